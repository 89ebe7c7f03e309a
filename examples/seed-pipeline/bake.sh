#!/bin/bash
# Bakes the newest dump into an image and pushes it.
#
# IMAGE is the repository; BUCKET and AWS_REGION say where dumps are. The AWS
# credentials and the root password are build secrets, so that they are in
# nothing that is kept.
set -euo pipefail
cd "$(dirname "$0")"

image=${IMAGE:?set IMAGE to the repository to push to}
: "${ROOT_PASSWORD:?set ROOT_PASSWORD to the password of root in the image}"

docker buildx build -f dbake.yaml --push \
  -t "$image:$(date -u +%Y%m%d)" -t "$image:latest" \
  --build-arg BUCKET="${BUCKET:-acme-backup}" \
  --build-arg AWS_REGION="${AWS_REGION:-us-east-1}" \
  --secret id=aws,src="${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" \
  --secret id=root_password,env=ROOT_PASSWORD \
  .
