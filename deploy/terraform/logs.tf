# Logs hold names of tables and numbers of rows, and no values.

resource "aws_cloudwatch_log_group" "bake" {
  name              = "/aws/codebuild/${var.name}-bake"
  retention_in_days = var.log_days
  tags              = var.tags
}

resource "aws_cloudwatch_log_group" "dump" {
  count             = var.dump_task == null ? 0 : 1
  name              = "/ecs/${var.name}-dump"
  retention_in_days = var.log_days
  tags              = var.tags
}
