package fingerprint

import "os"

// openForWriting is not known here.
func openForWriting(*os.File) (open, known bool) { return true, false }
