# Schedules: of a bake, beside uploads or instead of them, and of a dump.

resource "aws_cloudwatch_event_rule" "bake" {
  count               = var.bake_schedule == "" ? 0 : 1
  name                = "${var.name}-bake"
  description         = "Bakes what dbake.yaml names"
  schedule_expression = var.bake_schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "bake" {
  count    = var.bake_schedule == "" ? 0 : 1
  rule     = aws_cloudwatch_event_rule.bake[0].name
  arn      = aws_codebuild_project.bake.arn
  role_arn = aws_iam_role.events.arn
}

resource "aws_cloudwatch_event_rule" "dump" {
  count               = var.dump_task == null ? 0 : 1
  name                = "${var.name}-dump"
  description         = "Dumps the database into ${var.bucket_name}"
  schedule_expression = var.dump_task.schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "dump" {
  count    = var.dump_task == null ? 0 : 1
  rule     = aws_cloudwatch_event_rule.dump[0].name
  arn      = var.dump_task.cluster_arn
  role_arn = aws_iam_role.events.arn

  ecs_target {
    task_definition_arn = aws_ecs_task_definition.dump[0].arn
    task_count          = 1
    launch_type         = "FARGATE"

    network_configuration {
      subnets         = var.dump_task.subnet_ids
      security_groups = var.dump_task.security_group_ids
    }
  }
}

resource "aws_ecs_task_definition" "dump" {
  count                    = var.dump_task == null ? 0 : 1
  family                   = "${var.name}-dump"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.dump_task.cpu
  memory                   = var.dump_task.memory
  task_role_arn            = aws_iam_role.dump[0].arn
  execution_role_arn       = aws_iam_role.dump_execution[0].arn
  tags                     = var.tags

  container_definitions = jsonencode([{
    name       = "dump"
    image      = var.dump_task.image
    essential  = true
    entryPoint = ["dbake"]
    command    = concat(["dump", "--to", "s3://${var.bucket_name}/${var.dump_prefix}", "--progress", "plain"], var.dump_task.flags)
    environment = [
      { name = "AWS_REGION", value = data.aws_region.current.name },
    ]
    linuxParameters = { initProcessEnabled = true }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.dump[0].name
        "awslogs-region"        = data.aws_region.current.name
        "awslogs-stream-prefix" = "dump"
      }
    }
  }])
}
