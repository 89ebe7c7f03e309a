output "bucket" {
  description = "Name of the bucket of the dumps."
  value       = aws_s3_bucket.dumps.id
}

output "dump_location" {
  description = "What dbake dump --to takes."
  value       = "s3://${aws_s3_bucket.dumps.id}/${var.dump_prefix}"
}

output "repository_url" {
  description = "Repository of the image."
  value       = aws_ecr_repository.image.repository_url
}

output "project_name" {
  description = "CodeBuild project of the bake: aws codebuild start-build --project-name NAME."
  value       = aws_codebuild_project.bake.name
}

output "topic_arn" {
  description = "Topic that is told when a bake ends badly."
  value       = aws_sns_topic.bake.arn
}

output "dump_policy_json" {
  description = "What a dump may do in the bucket, for a role of your own."
  value       = data.aws_iam_policy_document.dump_bucket.json
}

output "deploy_role_arn" {
  description = "Role for dbake deploy ecs; null when there is none."
  value       = one(aws_iam_role.deploy[*].arn)
}
