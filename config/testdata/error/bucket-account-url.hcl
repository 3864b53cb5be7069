target "app" {
  cache-to "azblob" {
    account_url = "account.blob.core.windows.net" # ERROR: Invalid cache attribute
  }
}
