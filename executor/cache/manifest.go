package cache

import (
	"encoding/json"
	"fmt"
	"io"

	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Docker's names for what OCI also has names for.
const (
	mediaTypeDockerManifest     = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Manifest is what a cache's name points at, in either form.
type Manifest struct {
	MediaType string
	// Config is the cache config, or the image config of a plain image.
	Config ocispec.Descriptor
	// Layers are the cache's layers, or a plain image's.
	Layers []ocispec.Descriptor
	// Images are the manifests of an index that is not a cache: where inline caches are looked for.
	Images []ocispec.Descriptor
	// IsCache is false for a plain image or an index of images.
	IsCache bool
	// MadeBy is the program that says it wrote the cache, "" when none does: BuildKit does not.
	MadeBy string
	// Note is what was written with Cache.WithNote, "" for none.
	Note string
}

// document is a manifest or an index before it is known which.
type document struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	Annotations   map[string]string    `json:"annotations"`
}

// ParseManifest reads a manifest or index. mediaType is what the registry or the descriptor says it is, "" if nothing says so.
// The error wraps ErrInvalid; a document that could be read both ways is refused.
func ParseManifest(mediaType string, raw []byte) (*Manifest, error) {
	if len(raw) > ManifestLimit {
		return nil, invalid("manifest of %d bytes is larger than %d", len(raw), ManifestLimit)
	}
	var doc document
	if err := decodeJSON(raw, &doc); err != nil {
		return nil, invalid("manifest: %v", err)
	}
	if doc.MediaType != "" && mediaType != "" && doc.MediaType != mediaType {
		return nil, invalid("manifest calls itself %s and was served as %s", doc.MediaType, mediaType)
	}
	if doc.MediaType == "" {
		doc.MediaType = mediaType
	}
	isIndex, err := form(raw, doc.MediaType)
	if err != nil {
		return nil, err
	}
	if !isIndex && doc.Config == nil {
		return nil, invalid("manifest has neither manifests nor a config")
	}
	m := &Manifest{MediaType: doc.MediaType, MadeBy: doc.Annotations[AnnotationMadeBy]}
	if isIndex {
		err := m.fromIndex(doc.Manifests)
		m.readNote(doc.Annotations)
		return m, err
	}
	if err := checkDescriptors(append([]ocispec.Descriptor{*doc.Config}, doc.Layers...)); err != nil {
		return nil, err
	}
	m.Config, m.Layers, m.IsCache = *doc.Config, doc.Layers, doc.Config.MediaType == types.CacheConfigMediaTypeV0
	m.readNote(doc.Annotations)
	return m, m.checkCache()
}

// readNote takes the note, unless somebody has replaced what it was written beside and kept the annotations.
func (m *Manifest) readNote(annotations map[string]string) {
	note := annotations[AnnotationNote]
	if len(note) <= NoteLimit && annotations[AnnotationNoteOf] == noteOf(m.Config, m.Layers) {
		m.Note = note
	}
}

// noteOf tells what a note is written beside: the config and the layers, in their order.
func noteOf(config ocispec.Descriptor, layers []ocispec.Descriptor) string {
	sum := digest.Canonical.Digester()
	for _, d := range append([]ocispec.Descriptor{config}, layers...) {
		_, _ = io.WriteString(sum.Hash(), d.Digest.String()+"\n") // a hash never fails
	}
	return sum.Digest().String()
}

// form tells whether a document is an index, by what it contains as BuildKit does (util/imageutil, DetectManifestBlobMediaType). A
// document that contains both, or calls itself what it does not contain, is refused: programs would read different things in it.
func form(raw []byte, mediaType string) (isIndex bool, err error) {
	var parts struct {
		Config, Layers, Manifests json.RawMessage
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return false, invalid("manifest: %v", err)
	}
	isIndex = parts.Manifests != nil
	if isIndex && (parts.Config != nil || parts.Layers != nil) {
		return false, invalid("manifest has both manifests and layers")
	}
	switch mediaType {
	case ocispec.MediaTypeImageIndex, mediaTypeDockerManifestList:
		if !isIndex {
			return false, invalid("manifest calls itself %s and lists no manifests", mediaType)
		}
	case ocispec.MediaTypeImageManifest, mediaTypeDockerManifest:
		if isIndex {
			return false, invalid("manifest calls itself %s and lists manifests", mediaType)
		}
	}
	return isIndex, nil
}

// checkCache checks what only matters for a cache. Its Layers are not nil afterwards: that would mean that layers describe themselves, see Decode.
func (m *Manifest) checkCache() error {
	if !m.IsCache {
		return nil
	}
	if m.Config.Size > ConfigLimit {
		return invalid("cache config of %d bytes is larger than %d", m.Config.Size, ConfigLimit)
	}
	if m.Layers == nil {
		m.Layers = []ocispec.Descriptor{}
	}
	return nil
}

// fromIndex takes an index apart: its entries are layers and the cache config, or images.
func (m *Manifest) fromIndex(entries []ocispec.Descriptor) error {
	if err := checkDescriptors(entries); err != nil {
		return err
	}
	for _, d := range entries {
		if d.MediaType == types.CacheConfigMediaTypeV0 {
			if m.IsCache && m.Config.Digest != d.Digest {
				return invalid("manifest has two cache configs")
			}
			m.Config, m.IsCache = d, true
			continue
		}
		m.Layers = append(m.Layers, d)
	}
	if !m.IsCache {
		m.Images, m.Layers = m.Layers, nil
	}
	return m.checkCache()
}

func checkDescriptors(list []ocispec.Descriptor) error {
	if len(list) > maxLayers {
		return invalid("manifest lists %d blobs, more than %d", len(list), maxLayers)
	}
	for i, d := range list {
		if err := checkDigest(d.Digest); err != nil {
			return invalid("blob %d: %v", i, err)
		}
		if d.Size < 0 || d.Size > maxBlob {
			return invalid("blob %d has size %d", i, d.Size)
		}
	}
	return nil
}

// checkDigest accepts sha256 and sha512 digests in canonical form only. Methods of other digest strings panic, and would become paths.
func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("digest %.80q: %w", string(d), err)
	}
	if a := d.Algorithm(); a != digest.SHA256 && a != digest.SHA512 {
		return fmt.Errorf("digest %s: algorithm is not supported", d)
	}
	return nil
}
