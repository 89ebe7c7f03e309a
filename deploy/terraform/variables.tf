variable "name" {
  description = "Name of the pipeline; names of all resources begin with it."
  type        = string
  default     = "dbake"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}

# The bucket of the dumps.

variable "bucket_name" {
  description = "Name of the bucket that dumps are put into. It is made."
  type        = string
}

variable "dump_prefix" {
  description = "Prefix of the dumps' keys, with the slash at its end."
  type        = string
  default     = "mysql/"

  validation {
    condition     = can(regex("^[^*?]+/$", var.dump_prefix)) && var.dump_prefix != "tools/"
    error_message = "The prefix ends in a slash, has no wildcards, and is not tools/, where programs are."
  }
}

variable "dump_suffixes" {
  description = "A new object below the prefix starts a bake when its key ends in one of these."
  type        = list(string)
  default     = [".sql.zst", ".sql.gz", ".sql"]
}

variable "trigger_on_upload" {
  description = "Whether a new dump starts a bake."
  type        = bool
  default     = true
}

variable "upload_reasons" {
  description = "Which uploads start a bake, as S3 names them. Add CopyObject for dumps that arrive by aws s3 mv; dbake dump --latest makes copies as well."
  type        = list(string)
  default     = ["PutObject", "POST Object", "CompleteMultipartUpload"]
}

variable "bake_schedule" {
  description = "Schedule that starts a bake of what dbake.yaml names, such as cron(0 5 ? * MON *), in UTC; empty for none."
  type        = string
  default     = ""
}

variable "dump_days" {
  description = "Dumps are removed after this many days; 0 keeps them (dbake dump --keep removes them as well)."
  type        = number
  default     = 0
}

variable "old_version_days" {
  description = "Replaced and removed versions of dumps are kept for this many days."
  type        = number
  default     = 14
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the bucket, the topic and the images; empty for the keys of S3, SNS and ECR."
  type        = string
  default     = ""
}

# The image.

variable "repository_name" {
  description = "Name of the ECR repository of the image; empty for the name of the pipeline. It is made."
  type        = string
  default     = ""
}

variable "immutable_tags" {
  description = "Whether a tag can be given only once. Then the default of image_tags has no latest."
  type        = bool
  default     = false
}

variable "image_tags" {
  description = "Tags of every image, as dbake bake --tag knows them; empty for latest and the time of the dump."
  type        = list(string)
  default     = []
}

variable "keep_images" {
  description = "How many images the repository keeps."
  type        = number
  default     = 20
}

variable "untagged_days" {
  description = "Manifests without a tag are removed after this many days: images that a tag has moved away from, and what is attached to images where ECR counts it among them."
  type        = number
  default     = 30
}

# The bake.

variable "dbake_yaml" {
  description = "Text of the dbake.yaml, when there is no source or it holds none."
  type        = string
  default     = ""
}

variable "dbake_file" {
  description = "Path of the dbake.yaml in the source."
  type        = string
  default     = "dbake.yaml"
}

variable "source_repository" {
  description = "Where CodeBuild gets the project from: type as in CodeBuild (GITHUB, CODECOMMIT, S3, ...), location, and version (a branch). NO_SOURCE needs dbake_yaml."
  type = object({
    type     = string
    location = optional(string)
    version  = optional(string)
  })
  default = { type = "NO_SOURCE" }
}

variable "dbake_url" {
  description = "Where the build gets dbake from: https://..., or s3://BUCKET/tools/... in the bucket of the dumps. Empty when build_image has it."
  type        = string
  default     = ""
}

variable "dbake_sha256" {
  description = "SHA-256 of what dbake_url names, in hex; empty for no check."
  type        = string
  default     = ""
}

variable "build_image" {
  description = "Image that the bake runs in: one of CodeBuild's, or one of your own with dbake in it."
  type        = string
  default     = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
}

variable "build_size" {
  description = "CodeBuild's compute type. Its disk holds the base image and the restored data."
  type        = string
  default     = "BUILD_GENERAL1_LARGE"
}

variable "build_minutes" {
  description = "How long a bake may take."
  type        = number
  default     = 120
}

variable "build_environment" {
  description = "Further environment variables of the bake, such as build arguments and DBAKE_FLAGS. Not for secrets."
  type        = map(string)
  default     = {}
}

variable "build_secrets" {
  description = "Secrets of the bake: environment variable => ARN of a Secrets Manager secret. dbake.yaml's secrets are named in DBAKE_FLAGS, as --secret id=root_password,env=ROOT_PASSWORD."
  type        = map(string)
  default     = {}
}

variable "build_parameters" {
  description = "The same from the Parameter Store: environment variable => ARN of a SecureString."
  type        = map(string)
  default     = {}
}

variable "secret_kms_key_arns" {
  description = "ARNs of the KMS keys of build_secrets and build_parameters, where they are not AWS's own."
  type        = list(string)
  default     = []
}

variable "base_repository_arns" {
  description = "ARNs of ECR repositories that base images are read from."
  type        = list(string)
  default     = []
}

variable "vpc" {
  description = "Network of the bake; null for CodeBuild's own, which reaches S3, ECR and the internet."
  type = object({
    id                 = string
    subnet_arns        = list(string)
    security_group_ids = list(string)
  })
  default = null
}

# Logs and messages.

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "slack_webhook_secret_arn" {
  description = "ARN of a Secrets Manager secret that holds the URL of a Slack incoming webhook; empty for none."
  type        = string
  default     = ""
}

variable "notify_emails" {
  description = "Addresses that get a message when a bake ends badly."
  type        = list(string)
  default     = []
}

variable "notify_states" {
  description = "States of a build that are told: FAILED, STOPPED, SUCCEEDED."
  type        = list(string)
  default     = ["FAILED", "STOPPED"]
}

# The dump, as a task on Fargate.

variable "dump_task" {
  description = "A scheduled dbake dump; null for none. image has dbake in it, flags are those of dbake dump but for --to, db_resource_id is the resource ID of the RDS instance or Aurora cluster (db-..., cluster-...) for --rds-iam."
  type = object({
    image              = string
    repository_arn     = string
    flags              = list(string)
    schedule           = string
    cluster_arn        = string
    subnet_ids         = list(string)
    security_group_ids = list(string)
    db_resource_id     = string
    db_user            = string
    cpu                = optional(number, 2048)
    memory             = optional(number, 4096)
  })
  default = null
}

# Who may deploy.

variable "deploy" {
  description = "A role for dbake deploy ecs in a CI system that logs in by OpenID Connect; null for none. subjects are the sub claims that may take it, such as repo:acme/shop:ref:refs/heads/main; bake lets it bake as well."
  type = object({
    oidc_provider_arn = string
    audience          = string
    subjects          = list(string)
    service_arn       = string
    cluster_arn       = string
    task_family       = string
    task_role_arns    = list(string)
    bake              = optional(bool, false)
  })
  default = null
}
