# The bucket that dumps are put into, and dbake itself, if you like, below tools/.

resource "aws_s3_bucket" "dumps" {
  bucket = var.bucket_name
  tags   = var.tags
}

resource "aws_s3_bucket_versioning" "dumps" {
  bucket = aws_s3_bucket.dumps.id

  # A bake pins the version that its event named, whatever is uploaded meanwhile.
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "dumps" {
  bucket = aws_s3_bucket.dumps.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "dumps" {
  bucket                  = aws_s3_bucket.dumps.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "dumps" {
  bucket = aws_s3_bucket.dumps.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "dumps" {
  bucket     = aws_s3_bucket.dumps.id
  policy     = data.aws_iam_policy_document.bucket.json
  depends_on = [aws_s3_bucket_public_access_block.dumps]
}

resource "aws_s3_bucket_lifecycle_configuration" "dumps" {
  bucket     = aws_s3_bucket.dumps.id
  depends_on = [aws_s3_bucket_versioning.dumps]

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.old_version_days
    }
  }

  rule {
    id     = "old-dumps"
    status = var.dump_days > 0 ? "Enabled" : "Disabled"

    filter {
      prefix = var.dump_prefix
    }

    expiration {
      days = max(var.dump_days, 1)
    }
  }
}

resource "aws_s3_bucket_notification" "dumps" {
  bucket      = aws_s3_bucket.dumps.id
  eventbridge = true
}
