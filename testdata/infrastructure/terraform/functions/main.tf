locals {
  map    = merge({ a = "1", b = "2" }, { b = "3" })
  nested = [["x"], ["y", "z"], []]
  texts = {
    join      = join("-", ["a", "b"])
    format    = format("%s/%d%%", "x", 3)
    lookup    = lookup(local.map, "b", "none")
    default   = lookup(local.map, "c", "none")
    element   = element(["a", "b"], 3)
    length    = length(flatten(local.nested))
    distinct  = join("", distinct(["a", "b", "a"]))
    compact   = join("", compact(["a", "", "b"]))
    lower     = lower("ABC")
    upper     = upper("abc")
    replace   = replace("a.b", ".", "-")
    split     = split(":", "arn:aws:kms")[2]
    contains  = contains(["a"], "a") ? "yes" : "no"
    keys      = join("", keys(local.map))
    values    = join("", values(local.map))
    list      = join(",", formatlist("%s-%s", ["a", "b"], "x"))
    decoded   = jsondecode("{\"a\": [1, 2]}").a[1]
    trimmed   = trimspace("  a  ")
    try       = try(local.map.missing, local.map["a"])
    coalesce  = coalesce("", null, "c")
    toset     = join("", toset(["b", "b"]))
    tostring  = tostring(5)
    splat     = join("", [{ n = "p" }, { n = "q" }][*].n)
    filter    = join("", [for v in ["a", "b", "c"] : upper(v) if v != "b"])
    object    = { for k, v in local.map : v => k }["3"]
    math      = 2 + 3 * 4
    heredoc   = trimspace(<<-T
      indented
    T
    )
    condition = local.map.a == "1" && !false ? "then" : "else"
    directive = "%{ if true }on%{ else }off%{ endif }"
  }
}

resource "aws_kms_key" "texts" {
  for_each    = local.texts
  description = each.value
}
