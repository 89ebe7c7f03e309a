# Messages. A bake tells Slack itself how it ended (dbake bake --notify), so that
# the webhook stays in Secrets Manager and gets into no state file. What a bake
# cannot tell, such as a build's timeout, the topic tells.

resource "aws_sns_topic" "bake" {
  name              = "${var.name}-bake"
  kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "bake" {
  arn    = aws_sns_topic.bake.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.notify_emails)
  topic_arn = aws_sns_topic.bake.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_event_rule" "state" {
  name        = "${var.name}-state"
  description = "A bake has ended"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.codebuild"]
    "detail-type" = ["CodeBuild Build State Change"]
    detail = {
      "project-name" = [aws_codebuild_project.bake.name]
      "build-status" = var.notify_states
    }
  })
}

resource "aws_cloudwatch_event_target" "state" {
  rule = aws_cloudwatch_event_rule.state.name
  arn  = aws_sns_topic.bake.arn

  input_transformer {
    input_paths = {
      project = "$.detail.project-name"
      status  = "$.detail.build-status"
      log     = "$.detail.additional-information.logs.deep-link"
    }

    input_template = "\"<project>: <status>. Log: <log>\""
  }
}
