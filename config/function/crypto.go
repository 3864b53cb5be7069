package function

import (
	"fmt"

	"github.com/hashicorp/go-cty-funcs/crypto"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// digests holds hashes and decryption. Hashes are hexadecimal.
func digests() []entry {
	return []entry{
		{name: "bcrypt", fn: crypto.BcryptFunc, guard: guardBcrypt, about: "Hashes a password with bcrypt; the result differs each time."},
		{name: "md5", fn: crypto.Md5Func, about: "Returns the MD5 of a string."},
		{name: "rsadecrypt", fn: crypto.RsaDecryptFunc, guard: guardRSA, about: "Decrypts base64 text with an RSA private key in PEM form."},
		{name: "sha1", fn: crypto.Sha1Func, about: "Returns the SHA-1 of a string."},
		{name: "sha256", fn: crypto.Sha256Func, about: "Returns the SHA-256 of a string."},
		{name: "sha512", fn: crypto.Sha512Func, about: "Returns the SHA-512 of a string."},
	}
}

func guardBcrypt(args []cty.Value) error {
	if cost := number(args, 1); cost > MaxBcryptCost {
		return function.NewArgError(1, fmt.Errorf("the cost is %d; the limit is %d", cost, MaxBcryptCost))
	}
	return nil
}

func guardRSA(args []cty.Value) error {
	if n := len(text(args, 1)); n > MaxKey {
		return function.NewArgError(1, fmt.Errorf("the key has %d bytes; the limit is %d", n, MaxKey))
	}
	return nil
}
