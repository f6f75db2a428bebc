#!/bin/sh
# Exports what keyreach reads about access to AWS KMS keys, with the aws CLI (version 1 or 2).
#
# Every call reads; nothing in AWS is changed, no key is used, and nothing is sent anywhere else.
# All calls to AWS go through call() below; these are the permissions they need:
#
#   always           sts:GetCallerIdentity (which needs no permission)
#                    iam:GetAccountAuthorizationDetails  iam:GetPolicy  iam:GetPolicyVersion
#                    kms:ListKeys  kms:DescribeKey  kms:GetKeyPolicy  kms:ListGrants
#                    kms:ListResourceTags  kms:ListAliases  kms:GetKeyRotationStatus
#                    ec2:DescribeVpcEndpoints  ec2:DescribeRegions (unless -r is given)
#   with -R          sts:AssumeRole on that role, which then needs the permissions above
#   --organization   organizations:DescribeOrganization  ListAccounts  ListRoots
#                    ListOrganizationalUnitsForParent  ListAccountsForParent
#                    ListPolicies  DescribePolicy  ListTargetsForPolicy
#                    (in the management account, or one with delegated administration)
#
# A key policy can withhold a key from IAM: calls for such a key fail, and are listed as failed.
#
# Written below DIR, readable for you alone, each file as the call printed it:
#
#   <account>/iam/account-authorization-details.json
#   <account>/iam/policies/<policy>/get-policy.json get-policy-version.json
#       for permissions boundaries, which the file above leaves out when nothing attaches them
#       (policies/aws/<policy>/ where AWS and the account have a policy of the same name)
#   <account>/<region>/kms/<key>/describe-key.json get-key-policy.json list-grants.json
#       list-resource-tags.json list-aliases.json get-key-rotation-status.json
#       (the last one only for keys whose material KMS made: KMS rotates no others)
#   <account>/<region>/ec2/describe-vpc-endpoints.json      those of KMS, with their policies
#   organizations/describe-organization.json list-accounts.json list-roots.json
#       list-organizational-units-for-parent.<id>.json list-accounts-for-parent.<id>.json
#       policies/<id>/describe-policy.json list-targets-for-policy.json
#   collect-errors.txt      the calls of the last run that failed, one a line
#
# A file is complete or not there: it is moved into place when its call has succeeded. The aws CLI
# fetches all pages of an answer by itself, so nothing is cut off. Credentials stay in the
# environment of this process: they are neither written nor passed as arguments. Names that AWS
# answers become arguments and paths only when safe() below lets them.
set -euf
umask 077
exec >&2 # Everything that is said is progress; nothing goes to standard output.

usage() {
    cat <<'EOF'
usage: sh collect.sh [-o DIR] [-r REGIONS] [-p PROFILES] [-a ACCOUNTS -R ROLE]
                     [--organization] [--refresh]

  -o DIR          write the export there (default: keyreach-export)
  -r REGIONS      only these Regions (default: all that are enabled in the account)
  -p PROFILES     named profiles of the aws CLI, separated by commas: one account each
                  (default: the credentials that aws uses by itself)
  -a ACCOUNTS     export these account ids instead, by assuming ROLE in each of them; the account
                  of the credentials themselves is exported without assuming anything
  -R ROLE         name of that role, with its path if it has one
  --organization  also export the organization, with the first profile's credentials
  --refresh       fetch again what is there already (files of deleted keys stay: for a
                  new state of affairs a new DIR is better)
  -h, --help      print this

REGIONS and ACCOUNTS are separated by spaces or commas. A role that wants MFA or an external id
is better a profile with role_arn, which the aws CLI also renews when it expires.

  sh collect.sh -o export -r 'eu-west-1 us-east-1' -p production,staging
  sh collect.sh -o export -R Audit --organization -a "$(aws organizations list-accounts \
      --query 'Accounts[].Id' --output text)"

The same command again fetches what is missing. Exit status: 0 complete, 1 a call failed (listed
in DIR/collect-errors.txt; the rest is there), 2 usage or DIR cannot be written.
EOF
}

note() {
    printf 'collect.sh: %s\n' "$*"
}

die() {
    note "$*"
    exit 2
}

# words LIST: the words of LIST, which commas, spaces and line breaks separate, one space between.
words() {
    printf '%s' "$1" | LC_ALL=C tr -s ',[:space:]' ' ' | LC_ALL=C sed 's/^ //; s/ $//'
}

# safe NAME: whether NAME can be part of a path and an argument: not an option, not `..`, and not
# file://..., which the aws CLI would read.
safe() {
    case $1 in
        '' | . | .. | -*) return 1 ;;
    esac
    [ "$1" = "$(printf '%s' "$1" | LC_ALL=C tr -cd 'A-Za-z0-9_.+=,@-')" ]
}

# checked COMMAND NAME: the same for a name that COMMAND answered; one that is refused is recorded.
checked() {
    if safe "$2"; then
        return 0
    fi
    record "$1" "refused the name '$2'"
    return 1
}

# call ARGUMENT...: every use of the aws CLI.
call() {
    aws "$@" ${profile:+--profile "$profile"} </dev/null
}

# record COMMAND MESSAGE: puts a failed call on record.
record() {
    line=$(printf '%s (%s): %s' "$1" "$where" "$2" | LC_ALL=C tr -c '[:print:]' '?')
    printf '%s\n' "$line" >>"$errors" || die "cannot write $errors"
    note "failed: $line"
}

# failed ARGUMENT...: puts on record that a call failed for what it wrote to $work/error.
failed() {
    message=$(LC_ALL=C sed -n '/rror/{p;q;}' "$work/error")
    [ -n "$message" ] || message=$(LC_ALL=C sed -n '/[^[:space:]]/{p;q;}' "$work/error")
    record "aws $*" "${message:-no output}"
    case $message in
        *ExpiredToken* | *RequestExpired* | *'oken has expired'* | *'this profile has expired'*)
            note "the credentials have expired: the rest of this account is left for another run"
            : >"$work/expired"
            : >"$work/incomplete"
            ;;
    esac
}

# list ARGUMENT...: sets $names to the words that a call answers. Text comes page by page: a page
# without names may be an empty line or the word None.
list() {
    [ ! -e "$work/expired" ] || return 1
    if names=$(call "$@" --output text 2>"$work/error"); then
        names=$(printf '%s' "$names" | LC_ALL=C tr -s '[:space:]' '\n' | LC_ALL=C sed '/^None$/d')
    else
        failed "$@"
        return 1
    fi
}

# fetch FILE ARGUMENT...: stores the answer of a call as FILE, unless it is there.
fetch() {
    file=$out/$1
    shift
    [ ! -e "$work/expired" ] || return 0
    if [ -s "$file" ] && [ -z "$refresh" ]; then
        return 0
    fi
    if call "$@" --output json >"$work/answer" 2>"$work/error" && [ -s "$work/answer" ]; then
        { mkdir -p "${file%/*}" && mv -f "$work/answer" "$file"; } || die "cannot write $file"
    else
        failed "$@"
    fi
}

# field FILE NAME: the values of all members NAME that are strings. The aws CLI prints one member a
# line; a quote inside a value is escaped, so no value can pass for a member.
field() {
    [ -e "$out/$1" ] || return 0
    LC_ALL=C sed -n 's/^[[:space:]]*"'"$2"'": *"\([^"\\]*\)",\{0,1\}[[:space:]]*$/\1/p' "$out/$1"
}

collect_organization() {
    note "organization"
    fetch organizations/describe-organization.json organizations describe-organization
    fetch organizations/list-accounts.json organizations list-accounts
    fetch organizations/list-roots.json organizations list-roots
    # The tree, level by level.
    level=$(field organizations/list-roots.json Id)
    while [ -n "$level" ]; do
        below=
        for parent in $level; do
            checked 'aws organizations list-roots' "$parent" || continue
            units=organizations/list-organizational-units-for-parent.$parent.json
            fetch "$units" organizations list-organizational-units-for-parent --parent-id "$parent"
            fetch "organizations/list-accounts-for-parent.$parent.json" \
                organizations list-accounts-for-parent --parent-id "$parent"
            below="$below $(field "$units" Id)"
        done
        level=$(words "$below")
    done
    for type in SERVICE_CONTROL_POLICY RESOURCE_CONTROL_POLICY; do
        list organizations list-policies --filter "$type" --query 'Policies[].Id' || continue
        for id in $names; do
            checked 'aws organizations list-policies' "$id" || continue
            fetch "organizations/policies/$id/describe-policy.json" \
                organizations describe-policy --policy-id "$id"
            fetch "organizations/policies/$id/list-targets-for-policy.json" \
                organizations list-targets-for-policy --policy-id "$id"
        done
    done
}

collect_iam() {
    note "$account: IAM"
    details=$account/iam/account-authorization-details.json
    fetch "$details" iam get-account-authorization-details
    for arn in $(field "$details" PermissionsBoundaryArn | LC_ALL=C sort -u); do
        # A condition key in some policy can have that name too.
        name=$arn
        case $arn in
            arn:*:iam::*:policy/*) name=${arn##*/} ;;
        esac
        checked 'aws iam get-account-authorization-details' "$name" || continue
        policy=$account/iam/policies/$name
        case $(field "$policy/get-policy.json" Arn) in
            '' | "$arn") ;;
            *) policy=$account/iam/policies/aws/$name ;;
        esac
        fetch "$policy/get-policy.json" iam get-policy --policy-arn "$arn"
        version=$(field "$policy/get-policy.json" DefaultVersionId)
        [ -n "$version" ] || continue
        checked 'aws iam get-policy' "$version" || continue
        fetch "$policy/get-policy-version.json" \
            iam get-policy-version --policy-arn "$arn" --version-id "$version"
    done
}

collect_region() {
    service=com.amazonaws.$region.kms
    fetch "$account/$region/ec2/describe-vpc-endpoints.json" \
        ec2 describe-vpc-endpoints --region "$region" \
        --filters "Name=service-name,Values=$service,$service-fips,cn.$service"
    list kms list-keys --region "$region" --query 'Keys[].KeyId' || return 0
    count=$(printf '%s\n' "$names" | grep -c .) || : # grep fails on 0.
    note "$account $region: keys: $count"
    number=0
    for key in $names; do
        number=$((number + 1))
        checked 'aws kms list-keys' "$key" || continue
        note "$account $region: key $number of $count: $key"
        collect_key
    done
}

collect_key() {
    files=$account/$region/kms/$key
    set -- --region "$region" --key-id "$key"
    fetch "$files/describe-key.json" kms describe-key "$@"
    # Versions of the aws CLI before 2024 insist on the policy's name.
    fetch "$files/get-key-policy.json" kms get-key-policy "$@" --policy-name default
    fetch "$files/list-grants.json" kms list-grants "$@"
    fetch "$files/list-resource-tags.json" kms list-resource-tags "$@"
    fetch "$files/list-aliases.json" kms list-aliases "$@"
    # Keys of imported material and of custom key stores answer UnsupportedOperationException.
    case $(field "$files/describe-key.json" Origin) in
        '' | AWS_KMS) fetch "$files/get-key-rotation-status.json" kms get-key-rotation-status "$@" ;;
    esac
}

# Everything of $account, with the credentials at hand.
collect_account() {
    where="account $account"
    collect_iam
    names=$regions
    [ -n "$names" ] || list ec2 describe-regions --query 'Regions[].RegionName' || {
        note "the Regions of $account are not known: only $AWS_REGION is exported; -r names others"
        names=$AWS_REGION
    }
    for region in $names; do
        checked 'aws ec2 describe-regions' "$region" || continue
        collect_region
    done
}

# Goes on with the credentials of $role in $account. Runs in a subshell, where they stay.
assume_role() {
    arn=arn:$partition:iam::$account:role/$role
    where="account $account"
    set -- sts assume-role --role-arn "$arn" --role-session-name keyreach-collect \
        --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text
    answer=$(call "$@" 2>"$work/error") || {
        failed "$@"
        return 1
    }
    profile=
    unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_CREDENTIAL_EXPIRATION
    AWS_ACCESS_KEY_ID=${answer%%"$tab"*}
    AWS_SESSION_TOKEN=${answer##*"$tab"}
    answer=${answer#*"$tab"}
    AWS_SECRET_ACCESS_KEY=${answer%%"$tab"*}
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}

# What the credentials of $profile lead to. Runs in a subshell, where its environment stays.
collect_profile() {
    where="profile ${profile:-default}"
    rm -f "$work/expired"
    # The Region to ask about what has none; it also tells the aws CLI the partition.
    AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(call configure get region 2>/dev/null || :)}}
    : "${AWS_REGION:=${regions%% *}}"
    : "${AWS_REGION:=us-east-1}"
    AWS_DEFAULT_REGION=$AWS_REGION # The name that version 1 of the aws CLI knows.
    export AWS_REGION AWS_DEFAULT_REGION

    list sts get-caller-identity --query Account || return 0
    own=$names
    checked 'aws sts get-caller-identity' "$own" || return 0
    where="account $own"
    [ -z "$organization" ] || collect_organization
    if [ -z "$accounts" ]; then
        account=$own
        collect_account
        return
    fi
    list sts get-caller-identity --query Arn || return 0
    partition=${names#arn:}
    partition=${partition%%:*}
    for account in $accounts; do
        rm -f "$work/expired"
        if [ "$account" = "$own" ]; then
            (collect_account)
        else
            (if assume_role; then collect_account; fi)
        fi
    done
}

out=keyreach-export
regions=
profiles=
accounts=
role=
organization=
refresh=
while [ $# -gt 0 ]; do
    case $1 in
        -o | -r | -p | -a | -R)
            [ -n "${2:-}" ] || die "$1 needs a value (-h for help)"
            case $1 in
                -o) out=$2 ;;
                -r) regions=$(words "$2") ;;
                -p) profiles=$2 ;;
                -a) accounts=$(words "$2") ;;
                -R) role=$2 ;;
            esac
            shift
            ;;
        --organization) organization=yes ;;
        --refresh) refresh=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die "unknown argument '$1' (-h for help)" ;;
    esac
    shift
done
for name in $regions $accounts; do
    safe "$name" || die "'$name' is neither a Region nor an account id"
done
for account in $accounts; do
    case $account in
        *[!0-9]*) die "'$account' is not an account id" ;;
    esac
done
case ${accounts:+accounts}-${role:+role} in
    accounts-role | -) ;;
    *) die "-a and -R belong together" ;;
esac
case ${accounts:+accounts}:$profiles in
    accounts:*,*) die "-a takes one profile at most" ;;
esac
case ,$profiles, in
    *,,*) [ -z "$profiles" ] || die "a profile without a name: '$profiles'" ;;
esac
case $out in
    -*) out=./$out ;;
esac
command -v aws >/dev/null || die "the aws CLI is not installed"

: "${AWS_RETRY_MODE:=adaptive}" # Throttled calls wait and are repeated.
: "${AWS_MAX_ATTEMPTS:=10}"
AWS_STS_REGIONAL_ENDPOINTS=regional # Its credentials hold in Regions that are opted in to, too.
AWS_PAGER=
AWS_CLI_AUTO_PROMPT=off
PYTHONUTF8=1 # JSON is UTF-8, whatever the locale.
export AWS_RETRY_MODE AWS_MAX_ATTEMPTS AWS_STS_REGIONAL_ENDPOINTS
export AWS_PAGER AWS_CLI_AUTO_PROMPT PYTHONUTF8

tab=$(printf '\t')
errors=$out/collect-errors.txt
work=$out/.collect.$$
mkdir -p "$out" || die "cannot write $out"
rm -rf "$work" # Of a run that was killed; in a container process ids come again.
mkdir "$work" || die "cannot write $out"
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
rm -f "$errors" || die "cannot write $out"

if [ -z "$profiles" ]; then
    profile=
    (collect_profile)
else
    IFS=,
    for profile in $profiles; do
        unset IFS
        (collect_profile)
        organization=
    done
fi

if [ ! -s "$errors" ]; then
    note "the export in $out is complete"
    exit 0
fi
count=$(grep -c . "$errors")
if [ -e "$work/incomplete" ]; then
    note "failed calls: $count, see $errors; the same command with new credentials goes on"
else
    note "failed calls: $count, see $errors; the rest was exported"
fi
exit 1
