"""The real AWS CLI, boto3, the AWS Encryption SDK and the SDK for JavaScript against `keyreach serve`.

Each section is one story told in full, with the answers that AWS gives.
"""

import base64
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import aws_encryption_sdk
import boto3
import botocore.exceptions
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding

HOME = pathlib.Path("target/clients").resolve()
AWS = HOME / "python/bin/aws"
KEYREACH = pathlib.Path("target/release/keyreach").resolve()
USER = "arn:aws:iam::111122223333:user/"


class Server:
    """A running endpoint over one export, with a state directory of its own."""

    def __init__(self, export, *more, state=None):
        self.state = HOME / "state" / (state or export.replace("/", "-"))
        if state is None:
            shutil.rmtree(self.state, ignore_errors=True)
        self.state.parent.mkdir(exist_ok=True)
        arguments = ["serve", export, "--port", "0", "--state-dir", self.state, *more]
        self.log = open(f"{self.state}.log", "w")
        self.process = subprocess.Popen(
            [KEYREACH, *arguments], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), (export, self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        self.log.close()

    def environment(self, profile, region="us-east-1"):
        """What a client needs to know."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(HOME),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.state / "credentials"),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_PROFILE": profile,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def aws(self, profile, *arguments, region="us-east-1", more=None):
        """The AWS CLI; its answer, or the fault that it names."""
        environment = self.environment(profile, region) | (more or {})
        if more:
            environment.pop("AWS_PROFILE")
        run = subprocess.run(
            [AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        if run.returncode == 0:
            return json.loads(run.stdout) if run.stdout.strip() else {}
        return Denied(run.stderr.strip())

    def boto(self, service, profile, region="us-east-1"):
        """A client of boto3."""
        os.environ.update(self.environment(profile, region))
        return boto3.Session(profile_name=profile, region_name=region).client(service)


class Denied(str):
    """What the AWS CLI prints of a fault."""

    @property
    def name(self):
        return self.partition("(")[2].partition(")")[0]


def allowed(answer):
    assert not isinstance(answer, Denied), answer
    return answer


def denied(answer, name="AccessDeniedException"):
    assert isinstance(answer, Denied) and answer.name == name, answer
    return answer


def encrypted(server, profile, key, text, *more, **where):
    """Encrypts as `profile`; the blob."""
    answer = server.aws(profile, "kms", "encrypt", "--key-id", key, "--plaintext", text, *more, **where)
    return answer if isinstance(answer, Denied) else answer["CiphertextBlob"]


def decrypted(server, profile, blob, *more, **where):
    """Decrypts as `profile`; the text."""
    path = HOME / "blob"
    path.write_bytes(base64.b64decode(blob))
    answer = server.aws(profile, "kms", "decrypt", "--ciphertext-blob", f"fileb://{path}", *more, **where)
    return answer if isinstance(answer, Denied) else base64.b64decode(answer["Plaintext"]).decode()


def group_walkthrough():
    """A policy, a group, a user: nothing works until the user is in the group."""
    region = {"region": "ap-southeast-2"}
    policy = HOME / "crypto-policy.json"
    policy.write_text(
        json.dumps({
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}
            ],
        })
    )
    with Server("testdata/group-walkthrough-start.yaml", "--explain") as server:
        iam = lambda *arguments: allowed(server.aws("root", "iam", *arguments, **region))
        made = iam(
            "create-policy", "--policy-name", "kms-demo-crypter-policy",
            "--policy-document", f"file://{policy}",
        )
        arn = made["Policy"]["Arn"]
        assert arn == "arn:aws:iam::650150604467:policy/kms-demo-crypter-policy", arn
        iam("create-group", "--group-name", "kms-demo-crypters")
        iam("attach-group-policy", "--group-name", "kms-demo-crypters", "--policy-arn", arn)
        iam("create-user", "--user-name", "kms-demo-user-one")
        key = iam("create-access-key", "--user-name", "kms-demo-user-one")["AccessKey"]
        one = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        said = denied(encrypted(server, "", "alias/clouderz", "hello", more=one, **region))
        assert (
            "User: arn:aws:iam::650150604467:user/kms-demo-user-one is not authorized to perform: "
            "kms:Encrypt on resource: arn:aws:kms:ap-southeast-2:650150604467:key/"
            "76d65a85-6ea0-47cf-ab73-8b2ab522bbde" in said
        ), said
        iam(
            "add-user-to-group", "--user-name", "kms-demo-user-one",
            "--group-name", "kms-demo-crypters",
        )
        blob = allowed(encrypted(server, "", "alias/clouderz", "hello", more=one, **region))
        assert decrypted(server, "", blob, more=one, **region) == "hello"
        who = server.aws("", "sts", "get-caller-identity", more=one, **region)
        assert who["Arn"].endswith("user/kms-demo-user-one"), who
    log = pathlib.Path(f"{server.state}.log").read_text()
    assert "kms-demo-user-one" in log and "identity polic" in log, log
    assert key["SecretAccessKey"] not in log and "hello" not in log


def demonstration_1():
    """Alice lets Bob encrypt by a grant; with its token that holds at once."""
    with Server("testdata/course-demonstration-1-before", "--grant-delay", "300") as server:
        keys = allowed(server.aws("root", "kms", "list-keys"))["Keys"]
        key, alias = keys[0]["KeyArn"], "alias/DemoKey"
        denied(encrypted(server, "Bob", alias, "CloudAcademy"))
        blob = allowed(encrypted(server, "Alice", alias, "CloudAcademy"))
        grant = allowed(
            server.aws(
                "Alice", "kms", "create-grant", "--key-id", key, "--grantee-principal", USER + "Bob",
                "--operations", "Encrypt", "Decrypt",
            )
        )
        denied(encrypted(server, "Bob", alias, "CloudAcademy"))
        token = ["--grant-tokens", grant["GrantToken"]]
        allowed(encrypted(server, "Bob", alias, "CloudAcademy", *token))
        assert decrypted(server, "Bob", blob, *token) == "CloudAcademy"
        grants = allowed(server.aws("Alice", "kms", "list-grants", "--key-id", key))["Grants"]
        assert [one["GrantId"] for one in grants] == [grant["GrantId"]], grants
    # The grant and its token outlive the process.
    with Server("testdata/course-demonstration-1-before", state=server.state.name) as server:
        assert decrypted(server, "Bob", blob, *token) == "CloudAcademy"
        allowed(server.aws("Alice", "kms", "revoke-grant", "--key-id", key, "--grant-id", grant["GrantId"]))
        denied(decrypted(server, "Bob", blob), "AccessDeniedException")


def demonstration_2():
    """Key administrators cannot encrypt, and can let themselves."""
    with Server("testdata/course-demonstration-2") as server:
        key = allowed(server.aws("root", "kms", "list-keys"))["Keys"][0]["KeyId"]
        policy = json.loads(
            allowed(server.aws("root", "kms", "get-key-policy", "--key-id", key))["Policy"]
        )
        named = lambda statement: statement["Principal"]["AWS"]
        one = lambda names: names if isinstance(names, str) else names[0]
        administrators = next(it for it in policy["Statement"] if "kms:Put*" in it["Action"])
        administrator = one(named(administrators))
        denied(encrypted(server, administrator, key, "secret"))
        policy["Statement"].append({
            "Effect": "Allow", "Principal": {"AWS": administrator}, "Action": "kms:Encrypt",
            "Resource": "*",
        })
        allowed(
            server.aws(
                administrator, "kms", "put-key-policy", "--key-id", key, "--policy-name", "default",
                "--policy", json.dumps(policy),
            )
        )
        allowed(encrypted(server, administrator, key, "secret"))


def scenario():
    """The twelve cells of the course: who can do what with CMK-A, CMK-B and CMK-C."""
    with Server("testdata/course") as server:
        for name in ["Alice", "Bob", "Charlie", "David"]:
            kms = server.boto("kms", name)
            for key in ["CMK-A", "CMK-B", "CMK-C"]:
                found = []
                for action, call in CALLS.items():
                    try:
                        call(kms, f"alias/{key}")
                        found.append(action)
                    except botocore.exceptions.ClientError as error:
                        assert error.response["Error"]["Code"] == "AccessDeniedException", error
                assert found == CELLS.get((name, key), []), (name, key, found)


CALLS = {
    "Encrypt": lambda kms, key: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "GenerateDataKey": lambda kms, key: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "DescribeKey": lambda kms, key: kms.describe_key(KeyId=key),
}

# All that is not here is denied.
CELLS = {
    ("Alice", "CMK-A"): list(CALLS),
    ("Alice", "CMK-C"): list(CALLS),
    ("Bob", "CMK-B"): list(CALLS),
    ("Charlie", "CMK-A"): ["Encrypt"],
    ("Charlie", "CMK-B"): list(CALLS),
}


def boto():
    """Round trips, contexts, data keys, faults by their classes, and pages with boto3."""
    with Server("testdata/course") as server:
        kms = server.boto("kms", "Alice")
        context = {"purpose": "test"}
        sealed = kms.encrypt(KeyId="alias/CMK-A", Plaintext=b"text", EncryptionContext=context)
        blob = sealed["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"text"
        for wrong in [{}, {"purpose": "Test"}, {"purposet": "est"}]:
            try:
                kms.decrypt(CiphertextBlob=blob, EncryptionContext=wrong)
                raise AssertionError(wrong)
            except kms.exceptions.InvalidCiphertextException:
                pass
        key = kms.generate_data_key(KeyId="alias/CMK-A", NumberOfBytes=24)
        assert kms.decrypt(CiphertextBlob=key["CiphertextBlob"])["Plaintext"] == key["Plaintext"]
        assert len(key["Plaintext"]) == 24
        try:
            kms.encrypt(KeyId="alias/CMK-A", Plaintext=b"x", DryRun=True)
            raise AssertionError("a dry run succeeded")
        except kms.exceptions.DryRunOperationException:
            pass
        root = server.boto("kms", "root")
        pages = root.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
        listed = [key["KeyArn"] for page in pages for key in page["Keys"]]
        assert len(listed) == 3 and listed == sorted(listed), listed
        made = root.create_key(Description="made here", Tags=[{"TagKey": "a", "TagValue": "b"}])
        arn = made["KeyMetadata"]["Arn"]
        root.create_alias(AliasName="alias/made", TargetKeyId=arn)
        sealed = root.encrypt(KeyId="alias/made", Plaintext=b"kept")["CiphertextBlob"]
        root.disable_key(KeyId=arn)
        try:
            root.encrypt(KeyId=arn, Plaintext=b"x")
            raise AssertionError("a disabled key encrypts")
        except root.exceptions.DisabledException:
            pass
        root.enable_key(KeyId=arn)
        os.kill(server.process.pid, signal.SIGHUP)
        assert root.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
        assert root.describe_key(KeyId="alias/made")["KeyMetadata"]["Description"] == "made here"
        sts = server.boto("sts", "root")
        assert sts.get_caller_identity()["Account"] == "111122223333"


def key_specs():
    """Signatures, MACs, plain RSA, and a key with a replica in another Region."""
    with Server("testdata/course") as server:
        kms = server.boto("kms", "root")
        make = lambda **more: kms.create_key(**more)["KeyMetadata"]["Arn"]
        for spec, algorithm in [
            ("RSA_2048", "RSASSA_PSS_SHA_256"), ("ECC_NIST_P256", "ECDSA_SHA_256"),
            ("ECC_SECG_P256K1", "ECDSA_SHA_256"), ("ML_DSA_65", "ML_DSA_SHAKE_256"),
        ]:
            key = make(KeySpec=spec, KeyUsage="SIGN_VERIFY")
            signed = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm=algorithm)["Signature"]
            assert kms.verify(
                KeyId=key, Message=b"text", Signature=signed, SigningAlgorithm=algorithm
            )["SignatureValid"]
            try:
                kms.verify(KeyId=key, Message=b"other", Signature=signed, SigningAlgorithm=algorithm)
                raise AssertionError(spec)
            except kms.exceptions.KMSInvalidSignatureException:
                pass
            assert kms.get_public_key(KeyId=key)["KeySpec"] == spec
        key = make(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        mac = kms.generate_mac(KeyId=key, Message=b"text", MacAlgorithm="HMAC_SHA_256")["Mac"]
        assert kms.verify_mac(KeyId=key, Message=b"text", Mac=mac, MacAlgorithm="HMAC_SHA_256")["MacValid"]
        key = make(KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
        by = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
        carried = kms.encapsulate(**by)
        opened = kms.decapsulate(
            SharedSecretCiphertextBlob=carried["SharedSecretCiphertextBlob"], **by
        )
        assert opened["SharedSecret"] == carried["SharedSecret"]
        key = make(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        rsa = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
        blob = kms.encrypt(Plaintext=b"text", **rsa)["CiphertextBlob"]
        assert len(blob) == 256 and kms.decrypt(CiphertextBlob=blob, **rsa)["Plaintext"] == b"text"
        key = make(MultiRegion=True)
        blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
        sibling = server.boto("kms", "root", "eu-west-1")
        opened = sibling.decrypt(CiphertextBlob=blob)
        assert opened["Plaintext"] == b"text" and ":eu-west-1:" in opened["KeyId"], opened


def imported_material():
    """Material that the client made: wrapped, imported, deleted, expired, and the same again."""
    material, other = os.urandom(32), os.urandom(32)
    does_not = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    with Server("testdata/course", "--now", "2026-01-01") as server:
        kms = server.boto("kms", "root")
        key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
        state = lambda: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        assert state() == "PendingImport"
        for algorithm in [
            "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1",
        ]:
            imported(kms, key, material, algorithm, "RSA_2048", **does_not)
            assert state() == "Enabled"
            blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
            kms.delete_imported_key_material(KeyId=key)
            assert state() == "PendingImport"
            for refused, call in [
                (kms.exceptions.KMSInvalidStateException, lambda: kms.decrypt(CiphertextBlob=blob)),
                (
                    kms.exceptions.IncorrectKeyMaterialException,
                    lambda: imported(kms, key, other, algorithm, "RSA_2048", **does_not),
                ),
            ]:
                try:
                    call()
                    raise AssertionError(algorithm)
                except refused:
                    pass
        # The AWS CLI, with a file for each blob, as the guide of AWS has it.
        wanted = ["--wrapping-algorithm", "RSAES_OAEP_SHA_256", "--wrapping-key-spec", "RSA_4096"]
        got = allowed(server.aws("root", "kms", "get-parameters-for-import", "--key-id", key, *wanted))
        blobs = {
            "import-token": base64.b64decode(got["ImportToken"]),
            "encrypted-key-material": wrapped(
                base64.b64decode(got["PublicKey"]), "RSAES_OAEP_SHA_256", material
            ),
        }
        named = []
        for name, bytes_ in blobs.items():
            (HOME / name).write_bytes(bytes_)
            named += [f"--{name}", f"fileb://{HOME / name}"]
        allowed(
            server.aws(
                "root", "kms", "import-key-material", "--key-id", key, *named,
                "--expiration-model", "KEY_MATERIAL_EXPIRES", "--valid-to", "2026-01-03T00:00:00Z",
            )
        )
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
        usage = kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]
        assert usage["Operation"] == "Decrypt" and usage["KmsRequestId"], usage
    # It outlives the process, and expires by the clock.
    with Server("testdata/course", "--now", "2026-01-02", state=server.state.name) as server:
        kms = server.boto("kms", "root")
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
    with Server("testdata/course", "--now", "2026-01-04", state=server.state.name) as server:
        kms = server.boto("kms", "root")
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
        imported(kms, key, material, "RSAES_OAEP_SHA_256", "RSA_3072", **does_not)
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
    for path in [server.state, pathlib.Path(f"{server.state}.log")]:
        for file in [path] if path.is_file() else [it for it in path.rglob("*") if it.is_file()]:
            held = file.read_bytes()
            assert material not in held and base64.b64encode(material)[:40] not in held, file


def material_in_two_regions():
    """New material for a multi-Region key: into every Region, then the primary rotates."""
    first, second = os.urandom(32), os.urandom(32)
    wrapping = ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")
    more = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    with Server("testdata/course") as server:
        kms, sibling = server.boto("kms", "root"), server.boto("kms", "root", "eu-west-1")
        key = kms.create_key(Origin="EXTERNAL", MultiRegion=True)["KeyMetadata"]["KeyId"]
        imported(kms, key, first, *wrapping, **more)
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
        imported(sibling, key, first, *wrapping, **more)
        old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
        imported(kms, key, second, *wrapping, ImportType="NEW_KEY_MATERIAL", **more)
        waits = lambda: kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")[
            "Rotations"
        ][-1]["KeyMaterialState"]
        assert waits() == "PENDING_MULTI_REGION_IMPORT_AND_ROTATION", waits()
        try:
            kms.rotate_key_on_demand(KeyId=key)
            raise AssertionError("rotated before the replica has the material")
        except kms.exceptions.KMSInvalidStateException:
            pass
        imported(sibling, key, second, *wrapping, ImportType="EXISTING_KEY_MATERIAL", **more)
        assert waits() == "PENDING_ROTATION", waits()
        kms.rotate_key_on_demand(KeyId=key)
        new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
        for client in [kms, sibling]:
            opened = [client.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in (old, new)]
            assert opened == [b"old", b"new"], opened


def imported(kms, key, material, algorithm, spec, **more):
    """Wraps and imports."""
    got = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec
    )
    kms.import_key_material(
        KeyId=key, ImportToken=got["ImportToken"],
        EncryptedKeyMaterial=wrapped(got["PublicKey"], algorithm, material), **more,
    )


def wrapped(public, algorithm, material):
    """Key material as the library of the client wraps it."""
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
    public = serialization.load_der_public_key(public)
    if algorithm.startswith("RSAES"):
        return public.encrypt(material, oaep)
    aes = os.urandom(32)
    return public.encrypt(aes, oaep) + keywrap.aes_key_wrap_with_padding(aes, material)


def rotation_by_the_clock():
    """A key rotates when its period is over; what it sealed before still opens."""
    with Server("testdata/course", "--now", "2026-01-01") as server:
        kms = server.boto("kms", "root")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
        blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    with Server("testdata/course", "--now", "2026-07-05", state=server.state.name) as server:
        kms = server.boto("kms", "root")
        rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
        dates = [str(one["RotationDate"].astimezone(datetime.timezone.utc).date()) for one in rotations]
        assert dates == ["2026-04-01", "2026-06-30"], dates
        assert {one["RotationType"] for one in rotations} == {"AUTOMATIC"}
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"


def encryption_sdk():
    """The whole envelope, with a cache of data keys."""
    with Server("testdata/course") as server:
        os.environ.update(server.environment("Alice"))
        key = server.boto("kms", "Alice").describe_key(KeyId="alias/CMK-A")["KeyMetadata"]["Arn"]
        provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key])
        cache = aws_encryption_sdk.LocalCryptoMaterialsCache(10)
        materials = aws_encryption_sdk.CachingCryptoMaterialsManager(
            master_key_provider=provider, cache=cache, max_age=600.0, max_messages_encrypted=10
        )
        client = aws_encryption_sdk.EncryptionSDKClient()
        for number in range(3):
            text = f"message {number}".encode()
            sealed, _ = client.encrypt(
                source=text, materials_manager=materials, encryption_context={"purpose": "test"}
            )
            opened, header = client.decrypt(source=sealed, materials_manager=materials)
            assert opened == text and header.encryption_context["purpose"] == "test"


def javascript():
    """The SDK for JavaScript: the playground's encrypt and decrypt, and a fault by its class."""
    with Server("testdata/course") as server:
        run = subprocess.run(
            ["node", ".ci/clients.mjs", HOME / "node_modules"],
            env=server.environment("Alice"), capture_output=True, text=True, timeout=60,
        )
        assert run.returncode == 0 and run.stdout == "done\n", run


def readme():
    """The commands of README."""
    section = pathlib.Path("README.md").read_text().partition("## A local KMS")[2]
    script = section.partition("```sh\n")[2].partition("```")[0]
    state = HOME / "readme"
    shutil.rmtree(state, ignore_errors=True)
    pathlib.Path(f"{state}.url").unlink(missing_ok=True)
    path = os.pathsep.join([str(KEYREACH.parent), str(AWS.parent), os.environ["PATH"]])
    environment = {
        "PATH": path, "HOME": str(HOME), "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    script = "set -euo pipefail -m\n" + script.replace("/tmp/kms", str(state))
    run = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0 and "denied so far" in run.stdout, run
    assert run.stdout.count('"CiphertextBlob"') == 1, run.stdout
    assert "AccessDeniedException" in run.stderr, run.stderr


STORIES = [
    group_walkthrough, demonstration_1, demonstration_2, scenario, boto, key_specs, imported_material,
    material_in_two_regions, rotation_by_the_clock, encryption_sdk, javascript, readme,
]


def main():
    wanted = sys.argv[1:]
    for story in STORIES:
        if not wanted or story.__name__ in wanted:
            print(f"-- {story.__name__}: {story.__doc__}", flush=True)
            story()


main()
