package backend

import (
	"encoding/json"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// MaxMarks is how many marks a store keeps at once.
const MaxMarks = 100_000

// marksVersion is the version of the document below.
const marksVersion = 1

// Mark is a blob of a store that nothing needed when it was last looked for; see Sweeper.
type Mark struct {
	Digest   digest.Digest `json:"digest"`
	Size     int64         `json:"size"`
	Modified time.Time     `json:"modified"`
	// Since is when it was first seen like that.
	Since time.Time `json:"since"`
}

// marks is the document that a store keeps between sweeps.
type marks struct {
	Version int    `json:"version"`
	Marks   []Mark `json:"marks"`
}

// EncodeMarks writes marks as SetMarks takes them: nil for none.
func EncodeMarks(list []Mark) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	return json.Marshal(marks{Version: marksVersion, Marks: list})
}

// DecodeMarks reads what EncodeMarks wrote. What is not ours, or of another version, is none: then everything is marked anew, and waits.
func DecodeMarks(raw []byte) []Mark {
	var doc marks
	if json.Unmarshal(raw, &doc) != nil || doc.Version != marksVersion || len(doc.Marks) > MaxMarks {
		return nil
	}
	return doc.Marks
}
