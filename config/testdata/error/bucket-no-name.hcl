target "app" {
  cache-to "azblob" {
    account_url = "https://account.blob.core.windows.net"
    name        = ";" # ERROR: Invalid cache attribute
  }
}
