// The SDK for JavaScript against `keyreach serve`; the folder of its packages is the first argument.
import assert from "node:assert";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const packages = createRequire(resolve(process.argv[2], "x.js"));
const { KMSClient, EncryptCommand, DecryptCommand, InvalidCiphertextException } =
    packages("@aws-sdk/client-kms");

const kms = new KMSClient({});
const KeyId = "alias/CMK-A";
const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from("hello") }));
const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob }));
assert.equal(Buffer.from(Plaintext).toString(), "hello");

const EncryptionContext = { purpose: "test" };
await assert.rejects(
    kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext })),
    InvalidCiphertextException,
);
await assert.rejects(
    kms.send(new EncryptCommand({ KeyId: "alias/CMK-B", Plaintext: Buffer.from("x") })),
    { name: "AccessDeniedException" },
);
console.log("done");
