#!/bin/sh
# What each developer runs, as often as they like: the newest data, migrated.
set -eu
dbake up "${IMAGE:?the image}:latest" --name app-db --port 3306 --restart unless-stopped \
  --migrate "${MIGRATE:-true}"
