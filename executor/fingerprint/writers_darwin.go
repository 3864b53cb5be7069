package fingerprint

// openForWriting is not known here.
func openForWriting(*file) (open, known bool) { return true, false }
