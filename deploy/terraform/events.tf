# A new dump starts a bake of exactly this version of it.

resource "aws_cloudwatch_event_rule" "upload" {
  count       = var.trigger_on_upload ? 1 : 0
  name        = "${var.name}-upload"
  description = "A dump has arrived in ${var.bucket_name}"
  tags        = var.tags

  # wildcard is prefix and suffix at once: EventBridge would join two filters of
  # one field by OR.
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [aws_s3_bucket.dumps.id] }
      object = { key = [for suffix in var.dump_suffixes : { wildcard = "${var.dump_prefix}*${suffix}" }] }
      reason = var.upload_reasons
    }
  })
}

resource "aws_cloudwatch_event_target" "upload" {
  count    = var.trigger_on_upload ? 1 : 0
  rule     = aws_cloudwatch_event_rule.upload[0].name
  arn      = aws_codebuild_project.bake.arn
  role_arn = aws_iam_role.events.arn

  # What cannot be delivered within some hours is old: the next dump will come.
  retry_policy {
    maximum_event_age_in_seconds = 4 * 3600
    maximum_retry_attempts       = 185
  }

  input_transformer {
    input_paths = {
      bucket  = "$.detail.bucket.name"
      key     = "$.detail.object.key"
      version = "$.detail.object.version-id"
    }

    # The input of CodeBuild's StartBuild.
    input_template = <<-EOT
      {
        "environmentVariablesOverride": [
          {"name": "DBAKE_DUMP", "type": "PLAINTEXT", "value": "s3://<bucket>/<key>?versionId=<version>"}
        ]
      }
    EOT
  }
}
