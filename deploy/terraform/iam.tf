# Who may do what. Every action stands here because a call of dbake or of the
# service needs it: deploy/iam_test.go records the calls and compares.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  kms_keys = var.kms_key_arn == "" ? [] : [var.kms_key_arn]
}

# The services that take a role, for this account alone.
data "aws_iam_policy_document" "trust_service" {
  for_each = toset(["codebuild", "ecs-tasks", "events"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.value}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# The bake in CodeBuild.

resource "aws_iam_role" "codebuild" {
  name               = "${var.name}-bake"
  assume_role_policy = data.aws_iam_policy_document.trust_service["codebuild"].json
  tags               = var.tags
}

resource "aws_iam_role_policy" "codebuild_bake" {
  name   = "bake"
  role   = aws_iam_role.codebuild.id
  policy = data.aws_iam_policy_document.bake.json
}

resource "aws_iam_role_policy" "codebuild" {
  name   = "codebuild"
  role   = aws_iam_role.codebuild.id
  policy = data.aws_iam_policy_document.codebuild.json
}

# What dbake bake does.
data "aws_iam_policy_document" "bake" {
  statement {
    sid       = "ReadDumps"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.dumps.arn}/${var.dump_prefix}*"]
  }

  statement {
    sid       = "ListDumps"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.dumps.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.dump_prefix}*"]
    }
  }

  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid = "PushImage"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.image.arn]
  }

  dynamic "statement" {
    for_each = length(var.base_repository_arns) > 0 ? [1] : []
    content {
      sid       = "ReadBaseImages"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = var.base_repository_arns
    }
  }

  dynamic "statement" {
    for_each = length(local.kms_keys) > 0 ? [1] : []
    content {
      sid       = "DecryptDumps"
      actions   = ["kms:Decrypt"]
      resources = local.kms_keys
    }
  }
}

# What CodeBuild does around it, in the name of the same role.
data "aws_iam_policy_document" "codebuild" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.bake.arn}:*"]
  }

  dynamic "statement" {
    for_each = startswith(var.dbake_url, "s3://") ? [1] : []
    content {
      sid       = "FetchDbake"
      actions   = ["s3:GetObject"]
      resources = ["${aws_s3_bucket.dumps.arn}/tools/*"]
    }
  }

  dynamic "statement" {
    for_each = length(local.secrets) > 0 ? [1] : []
    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = values(local.secrets)
    }
  }

  dynamic "statement" {
    for_each = length(var.build_parameters) > 0 ? [1] : []
    content {
      sid       = "ReadParameters"
      actions   = ["ssm:GetParameters"]
      resources = values(var.build_parameters)
    }
  }

  dynamic "statement" {
    for_each = length(var.secret_kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = var.secret_kms_key_arns
    }
  }

  dynamic "statement" {
    for_each = var.vpc == null ? [] : [1]
    content {
      sid = "JoinNetwork"
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      resources = ["*"] # as CodeBuild asks for it; Describe knows no resource
    }
  }

  dynamic "statement" {
    for_each = var.vpc == null ? [] : [1]
    content {
      sid       = "AttachNetworkInterface"
      actions   = ["ec2:CreateNetworkInterfacePermission"]
      resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:network-interface/*"]

      condition {
        test     = "StringEquals"
        variable = "ec2:Subnet"
        values   = var.vpc.subnet_arns
      }

      condition {
        test     = "StringEquals"
        variable = "ec2:AuthorizedService"
        values   = ["codebuild.amazonaws.com"]
      }
    }
  }
}

# The dump on Fargate.

resource "aws_iam_role" "dump" {
  count              = var.dump_task == null ? 0 : 1
  name               = "${var.name}-dump"
  assume_role_policy = data.aws_iam_policy_document.trust_service["ecs-tasks"].json
  tags               = var.tags
}

resource "aws_iam_role_policy" "dump_bucket" {
  count  = var.dump_task == null ? 0 : 1
  name   = "bucket"
  role   = aws_iam_role.dump[0].id
  policy = data.aws_iam_policy_document.dump_bucket.json
}

resource "aws_iam_role_policy" "dump_database" {
  count  = var.dump_task == null ? 0 : 1
  name   = "database"
  role   = aws_iam_role.dump[0].id
  policy = data.aws_iam_policy_document.dump_database[0].json
}

# What dbake dump does in the bucket. Deleting is for --keep and --keep-days;
# the bucket keeps what is deleted as an old version.
data "aws_iam_policy_document" "dump_bucket" {
  statement {
    sid = "WriteDumps"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:GetObjectTagging", # copying an object copies its tags
      "s3:PutObject",
      "s3:PutObjectTagging",
    ]
    resources = ["${aws_s3_bucket.dumps.arn}/${var.dump_prefix}*"]
  }

  statement {
    sid       = "ListDumps"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.dumps.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.dump_prefix}*"]
    }
  }

  dynamic "statement" {
    for_each = length(local.kms_keys) > 0 ? [1] : []
    content {
      sid       = "EncryptDumps"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = local.kms_keys
    }
  }
}

data "aws_iam_policy_document" "dump_database" {
  count = var.dump_task == null ? 0 : 1

  statement {
    sid       = "LogInToDatabase"
    actions   = ["rds-db:connect"]
    resources = ["arn:${data.aws_partition.current.partition}:rds-db:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:dbuser:${var.dump_task.db_resource_id}/${var.dump_task.db_user}"]
  }
}

resource "aws_iam_role" "dump_execution" {
  count              = var.dump_task == null ? 0 : 1
  name               = "${var.name}-dump-execution"
  assume_role_policy = data.aws_iam_policy_document.trust_service["ecs-tasks"].json
  tags               = var.tags
}

resource "aws_iam_role_policy" "dump_execution" {
  count  = var.dump_task == null ? 0 : 1
  name   = "execution"
  role   = aws_iam_role.dump_execution[0].id
  policy = data.aws_iam_policy_document.dump_execution[0].json
}

# What Fargate does to start the task.
data "aws_iam_policy_document" "dump_execution" {
  count = var.dump_task == null ? 0 : 1

  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.dump_task.repository_arn]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.dump[0].arn}:*"]
  }
}

# EventBridge, which starts bakes and dumps.

resource "aws_iam_role" "events" {
  name               = "${var.name}-events"
  assume_role_policy = data.aws_iam_policy_document.trust_service["events"].json
  tags               = var.tags
}

resource "aws_iam_role_policy" "events" {
  name   = "start"
  role   = aws_iam_role.events.id
  policy = data.aws_iam_policy_document.events.json
}

data "aws_iam_policy_document" "events" {
  statement {
    sid       = "StartBake"
    actions   = ["codebuild:StartBuild"]
    resources = [aws_codebuild_project.bake.arn]
  }

  dynamic "statement" {
    for_each = var.dump_task == null ? [] : [1]
    content {
      sid       = "StartDump"
      actions   = ["ecs:RunTask"]
      resources = [aws_ecs_task_definition.dump[0].arn]
    }
  }

  dynamic "statement" {
    for_each = var.dump_task == null ? [] : [1]
    content {
      sid       = "PassDumpRoles"
      actions   = ["iam:PassRole"]
      resources = [aws_iam_role.dump[0].arn, aws_iam_role.dump_execution[0].arn]

      condition {
        test     = "StringEquals"
        variable = "iam:PassedToService"
        values   = ["ecs-tasks.amazonaws.com"]
      }
    }
  }
}

# Whoever deploys.

resource "aws_iam_role" "deploy" {
  count              = var.deploy == null ? 0 : 1
  name               = "${var.name}-deploy"
  assume_role_policy = data.aws_iam_policy_document.trust_deploy[0].json
  tags               = var.tags
}

resource "aws_iam_role_policy" "deploy" {
  count  = var.deploy == null ? 0 : 1
  name   = "deploy"
  role   = aws_iam_role.deploy[0].id
  policy = data.aws_iam_policy_document.deploy[0].json
}

resource "aws_iam_role_policy" "deploy_bake" {
  count  = try(var.deploy.bake, false) ? 1 : 0
  name   = "bake"
  role   = aws_iam_role.deploy[0].id
  policy = data.aws_iam_policy_document.bake.json
}

data "aws_iam_policy_document" "trust_deploy" {
  count = var.deploy == null ? 0 : 1

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.deploy.oidc_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${replace(var.deploy.oidc_provider_arn, "/^.*:oidc-provider\\//", "")}:aud"
      values   = [var.deploy.audience]
    }

    condition {
      test     = "StringLike"
      variable = "${replace(var.deploy.oidc_provider_arn, "/^.*:oidc-provider\\//", "")}:sub"
      values   = var.deploy.subjects
    }
  }
}

# What dbake deploy ecs does.
data "aws_iam_policy_document" "deploy" {
  count = var.deploy == null ? 0 : 1

  statement {
    sid       = "UpdateService"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = [var.deploy.service_arn]
  }

  statement {
    sid       = "TagRevision"
    actions   = ["ecs:TagResource"]
    resources = ["arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:task-definition/${var.deploy.task_family}:*"]
  }

  # What can be registered is bounded by the roles that may be passed.
  statement {
    sid       = "RegisterRevision"
    actions   = ["ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"] # the actions know no resource
  }

  statement {
    sid       = "SayWhyTasksStopped"
    actions   = ["ecs:DescribeTasks", "ecs:ListTasks"]
    resources = ["*"] # ListTasks of a service knows container instances only, which Fargate has none of

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.deploy.cluster_arn]
    }
  }

  statement {
    sid       = "PassTaskRoles"
    actions   = ["iam:PassRole"]
    resources = var.deploy.task_role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid       = "FindDigest"
    actions   = ["ecr:BatchGetImage"]
    resources = [aws_ecr_repository.image.arn]
  }
}

# The bucket and the topic themselves.

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "OnlyEncryptedConnections"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.dumps.arn, "${aws_s3_bucket.dumps.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "EventsTell"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.bake.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.state.arn]
    }
  }
}
