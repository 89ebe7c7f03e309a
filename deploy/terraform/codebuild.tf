# The bake. It needs no privileged mode: dbake's local builder runs the database
# server in a plain chroot where a container allows no more.

locals {
  default_tags = var.immutable_tags ? ["{{.DumpTime}}"] : ["latest", "{{.DumpTime}}"]
  image_tags   = length(var.image_tags) > 0 ? var.image_tags : local.default_tags

  # What deploy/buildspec.yml reads.
  environment = merge({
    DBAKE_IMAGE  = aws_ecr_repository.image.repository_url
    DBAKE_TAGS   = join(" ", local.image_tags)
    DBAKE_FILE   = var.dbake_file
    DBAKE_YAML   = var.dbake_yaml
    DBAKE_URL    = var.dbake_url
    DBAKE_SHA256 = var.dbake_sha256
  }, var.build_environment)

  secrets = merge(var.build_secrets, var.slack_webhook_secret_arn == "" ? {} : { SLACK_WEBHOOK = var.slack_webhook_secret_arn })
}

resource "aws_codebuild_project" "bake" {
  name           = "${var.name}-bake"
  description    = "Bakes dumps from ${var.bucket_name} into ${aws_ecr_repository.image.name}"
  service_role   = aws_iam_role.codebuild.arn
  build_timeout  = var.build_minutes
  queued_timeout = 60
  tags           = var.tags

  artifacts {
    type = "NO_ARTIFACTS"
  }

  source {
    type      = var.source_repository.type
    location  = var.source_repository.location
    buildspec = file("${path.module}/../buildspec.yml")
  }

  source_version = var.source_repository.version

  environment {
    type                        = "LINUX_CONTAINER"
    compute_type                = var.build_size
    image                       = var.build_image
    image_pull_credentials_type = startswith(var.build_image, "aws/codebuild/") ? "CODEBUILD" : "SERVICE_ROLE"
    privileged_mode             = false

    dynamic "environment_variable" {
      for_each = { for name, value in local.environment : name => value if value != "" }
      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }

    dynamic "environment_variable" {
      for_each = local.secrets
      content {
        name  = environment_variable.key
        value = environment_variable.value
        type  = "SECRETS_MANAGER"
      }
    }

    # CodeBuild wants parameters by their names.
    dynamic "environment_variable" {
      for_each = var.build_parameters
      content {
        name  = environment_variable.key
        value = replace(environment_variable.value, "/^arn:[^/]*:parameter/", "")
        type  = "PARAMETER_STORE"
      }
    }
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      vpc_id             = vpc_config.value.id
      subnets            = [for arn in vpc_config.value.subnet_arns : element(split("/", arn), 1)]
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.bake.name
    }
  }
}
