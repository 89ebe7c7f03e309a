#!/bin/sh
# Dumps a database into S3, masked, and keeps the newest 14 dumps.
#
# BUCKET, DATABASE, the server's address (~/.my.cnf) and AWS credentials come from
# the environment of the cron job; MASK_KEY is the key of the masks.
set -eu
cd "$(dirname "$0")"

dbake dump -B "${DATABASE:?the database to dump}" --to "s3://${BUCKET:?the bucket of the dumps}/mysql/" --keep 14 \
  -f masks.yaml --secret id=mask_key,env=MASK_KEY --progress plain
