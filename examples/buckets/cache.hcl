# Caches in object stores: builds read and write a bucket of S3, or of what speaks like it, and a transfer brings main's cache to a container of Azure
# Blob Storage, for builders that run there. Credentials come from the environment: AWS's from where AWS's tools look for them, Azure's key from
# AZURE_STORAGE_KEY, or, without one, the identity that Azure's tools would use.
#
#   BUCKET=build-cache AWS_REGION=eu-central-1 BRANCH=feature/login cachectl apply -f examples/buckets/cache.hcl
#   BUCKET=build-cache AWS_REGION=eu-central-1 ACCOUNT_URL=https://team.blob.core.windows.net cachectl apply -f examples/buckets/cache.hcl mirror

variable "BUSYBOX" {
  default = "/bin"
}

variable "BRANCH" {
  type    = string
  default = "main"
}

variable "BUCKET" {
  type    = string
  default = "build-cache"
}

variable "AWS_REGION" {
  type    = string
  default = "eu-central-1"
}

variable "ENDPOINT" {
  type        = string
  default     = ""
  description = "the address of a service that is not AWS, for instance https://minio.example.com"
}

variable "ACCOUNT_URL" {
  type    = string
  default = "https://team.blob.core.windows.net"
}

target "default" {
  context    = "examples/first/api"
  dockerfile = "../Dockerfile"
  contexts   = { busybox = BUSYBOX }

  # The branch's own cache first, then main's.
  cache-from = [for name in distinct([BRANCH, "main"]) : {
    type           = "s3"
    bucket         = BUCKET
    region         = AWS_REGION
    endpoint_url   = ENDPOINT
    use_path_style = ENDPOINT != ""
    prefix         = "api/"
    name           = sanitize_ref(name)
  }]

  cache-to "s3" {
    bucket         = BUCKET
    region         = AWS_REGION
    endpoint_url   = ENDPOINT
    use_path_style = ENDPOINT != ""
    prefix         = "api/"
    name           = sanitize_ref(BRANCH)
    mode           = "max"
    compression    = "zstd"

    # A rule of the bucket may delete what is older than two weeks: what is in use is renewed daily.
    touch_refresh = "24h"
  }
}

transfer "mirror" {
  cache-from "s3" {
    bucket         = BUCKET
    region         = AWS_REGION
    endpoint_url   = ENDPOINT
    use_path_style = ENDPOINT != ""
    prefix         = "api/"
    name           = "main"
  }
  cache-to "azblob" {
    account_url = ACCOUNT_URL
    container   = "build-cache"
    prefix      = "api"
    name        = "main"
    mode        = "max"
  }
}
