#!/bin/bash
# Dumps a database into S3: mysqldump | gzip | aws s3 cp.
#
# BUCKET, DATABASE and the options of the MySQL client (~/.my.cnf) and of the
# AWS CLI come from the environment of the cron job.
set -euo pipefail

bucket=${BUCKET:?set BUCKET to the name of the bucket}
database=${DATABASE:?set DATABASE to the database to dump}
name=$database-$(date -u +%Y%m%dT%H%M%SZ).sql.gz

# The dump is uploaded outside of the prefix that images are baked from, and
# moved there when all of it has arrived: aws s3 cp cannot tell a dump that
# ended from one whose mysqldump died.
#
# --single-transaction reads one state of all InnoDB tables without locking
# them. Above about 50 GB, aws s3 cp needs --expected-size BYTES.
partial=s3://$bucket/partial/$name
trap 'aws s3 rm --quiet "$partial" || true' ERR
mysqldump --single-transaction --routines --triggers --events --hex-blob \
  --set-gtid-purged=OFF --databases "$database" |
  gzip |
  aws s3 cp --quiet - "$partial"
aws s3 mv --quiet "$partial" "s3://$bucket/mysql/$name"
