# docker buildx bake               both images for this machine
# docker buildx bake test lint     checks only
# REGISTRY=… TAG=… PLATFORMS=linux/amd64,linux/arm64 docker buildx bake --push

variable "REGISTRY" {
  default     = ""
  description = "Where the images go, such as registry.example.com/team; empty: local names"
}

variable "TAG" {
  default     = "dev"
  description = "Tag of both images"
}

variable "PLATFORMS" {
  default     = ""
  description = "Comma-separated platforms; empty: this machine's. Several need --push or an OCI output"
}

variable "GO_IMAGE" {
  default     = ""
  description = "Image to compile in; empty: the Dockerfile's default"
}

function "ref" {
  params = [name]
  result = REGISTRY == "" ? "${name}:${TAG}" : "${REGISTRY}/${name}:${TAG}"
}

group "default" {
  targets = ["frontend", "baker"]
}

target "_common" {
  args      = GO_IMAGE == "" ? {} : { GO_IMAGE = GO_IMAGE }
  platforms = PLATFORMS == "" ? [] : split(",", PLATFORMS)
}

target "frontend" {
  inherits = ["_common"]
  target   = "frontend"
  tags     = [ref("dbake-frontend")]
}

target "baker" {
  inherits = ["_common"]
  target   = "baker"
  tags     = [ref("dbake")]
}

target "test" {
  inherits  = ["_common"]
  target    = "test"
  platforms = []
  output    = ["type=cacheonly"]
}

target "lint" {
  inherits  = ["_common"]
  target    = "lint"
  platforms = []
  output    = ["type=cacheonly"]
}
