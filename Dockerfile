# The images of dbake: "frontend", which BuildKit runs for "# syntax=" lines,
# and "baker", the command line. Neither has anything of a distribution in it.
#
# Binaries are cross-compiled on the build platform, so a multi-platform build
# emulates nothing. To put in binaries that were compiled elsewhere, replace the
# stage "build" by a directory:
#
#   docker buildx build --build-context build=dist --target frontend .
#
# with this layout (the frontend image itself has the same without /out):
#
#   dist/out/bin/dbake                                   for target baker, with the agent in it
#   dist/out/bin/dbake-frontend                          for target frontend
#   dist/out/bin/dbake-seed                              for target frontend
#   dist/out/entrypoint/linux_<GOARCH>/dbake-entrypoint  one per image platform
#   dist/out/etc/ssl/certs/ca-certificates.crt

# Any image with this Go version, git and make in it will do.
ARG GO_IMAGE=golang:1.26-bookworm

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS source
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .

# No version is stamped into these files: BuildKit keeps a restore in its cache
# for as long as dbake-seed stays the same, byte for byte.
FROM source AS build
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOARCH="$TARGETARCH" hack/dist --all /

# These two run the short tests and the linters; everything that needs real
# servers is in "make test".
FROM source AS test
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go test -short ./...

FROM source AS lint
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=cache,target=/root/.cache/golangci-lint \
    make lint

FROM scratch AS baker
COPY --from=build /out/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/bin/dbake /bin/dbake
# An empty image has no folder for temporary files and no home for caches.
ENV HOME=/var/cache/dbake TMPDIR=/var/tmp
WORKDIR /var/cache/dbake
WORKDIR /var/tmp
WORKDIR /work
ENTRYPOINT ["/bin/dbake"]

FROM scratch AS frontend
LABEL moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
# The frontend itself only talks to BuildKit; dumps are read in build steps.
LABEL moby.buildkit.frontend.network.none="true"
COPY --from=build /out/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/entrypoint /entrypoint
COPY --from=build /out/bin/dbake-seed /bin/dbake-seed
COPY --from=build /out/bin/dbake-frontend /bin/dbake-frontend
ENTRYPOINT ["/bin/dbake-frontend"]
