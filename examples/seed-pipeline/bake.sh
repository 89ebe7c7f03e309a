#!/bin/sh
# Bakes the newest dump into an image, pushes it, and tells Slack.
#
# IMAGE is the repository; BUCKET and AWS_REGION say where dumps are. ROOT_PASSWORD
# and SLACK_WEBHOOK are secrets, so they are in nothing that is kept.
set -eu
cd "$(dirname "$0")"

dbake bake -t "${IMAGE:?the repository to push to}:latest" -t "$IMAGE:{{.DumpTime}}" --build-arg BUCKET \
  --secret id=root_password,env=ROOT_PASSWORD \
  --secret id=slack_webhook,env=SLACK_WEBHOOK --notify slack=slack_webhook --progress plain
