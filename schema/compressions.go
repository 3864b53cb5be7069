package schema

// Compression is a way to compress layers.
type Compression struct {
	Name string
	// Levels is the highest level; they begin with 0. NoLevels for none.
	Levels int
	// OCI says that Docker's media types have no name for it.
	OCI bool
}

// NoLevels is Compression.Levels where there are no levels.
const NoLevels = -1

// Compressions are the ways that BuildKit knows (util/compression).
var Compressions = []Compression{
	{Name: "uncompressed", Levels: NoLevels}, {Name: "gzip", Levels: 9}, {Name: "estargz", Levels: 9, OCI: true}, {Name: "zstd", Levels: 22, OCI: true},
}

// LookupCompression returns the compression of that name, nil if there is none.
func LookupCompression(name string) *Compression {
	for i := range Compressions {
		if Compressions[i].Name == name {
			return &Compressions[i]
		}
	}
	return nil
}

func compressionNames() []string {
	var names []string
	for _, c := range Compressions {
		names = append(names, c.Name)
	}
	return names
}
