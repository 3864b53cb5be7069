package remote

// Redirect is what decides about redirections, for servers whose certificates only a test knows.
var Redirect = redirect
