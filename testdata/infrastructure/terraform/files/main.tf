resource "aws_kms_key" "file" {
  policy = file("${path.module}/policies/key.json")
}

resource "aws_kms_key" "template" {
  policy = templatefile("policies/key.json.tftpl", {
    account = "111122223333"
    readers = ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b"]
  })
}

resource "aws_kms_key" "outside" {
  policy = file("../../../etc/passwd")
}
