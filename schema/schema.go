package schema

// Kind is the shape of an attribute's value.
type Kind int

// The kinds of values.
const (
	String Kind = iota
	Bool
	Number
	Strings   // list of strings
	Map       // strings by name; a value may be null
	Caches    // list of cache entries: CSV strings, references, objects, or labelled blocks
	Outputs   // list of outputs: CSV strings or objects
	Secrets   // list of secrets
	Agents    // list of SSH agents
	Attests   // list of attestations
	Resources // object of limits
	Policies  // list of policies
	Matrix    // lists by name
	Any       // any value
)

// Merge is what happens when a target inherits, or is written again in a later file.
type Merge int

// The merge rules.
const (
	Replace Merge = iota // the later value takes the place of the earlier
	Append               // the later items follow the earlier; duplicates are dropped
	PerKey               // later keys take the place of earlier ones, the others stay
	ByID                 // like PerKey for lists of things with an id or type
)

// SetForm is how --set changes an attribute.
type SetForm int

// The forms of --set.
const (
	NotSettable SetForm = iota
	SetValue            // target.attr=value
	SetList             // target.attr=item, repeated; += adds
	SetKey              // target.attr.key=value
)

// Attribute is one attribute of a block.
type Attribute struct {
	Name     string
	Kind     Kind
	Merge    Merge
	Set      SetForm
	SetName  string // the key in --set where it is not Name
	Required bool
	Needs    string // an attribute without which this one makes no sense
	// Own says that Bake does not have this attribute: in Bake's files it is unknown.
	Own bool
	// Key says that the value decides cache keys, or where a cache is.
	Key bool
	Doc string
}

// SetKeyName is what the attribute is called in --set.
func (a *Attribute) SetKeyName() string {
	if a.SetName != "" {
		return a.SetName
	}
	return a.Name
}

// Block is a kind of block.
type Block struct {
	Name string
	// Label names what the block's label is; "" for a block without one.
	Label string
	// LabelForm is a regular expression for the label, as CacheAttribute.Form; with Computed, blocks that have that attribute are called something else.
	LabelForm, Computed string
	Attributes          []Attribute
	Doc                 string
	// Own says that Bake does not have this block.
	Own bool
}

// Attribute returns the attribute of that name, nil if there is none.
func (b *Block) Attribute(name string) *Attribute {
	for i := range b.Attributes {
		if b.Attributes[i].Name == name {
			return &b.Attributes[i]
		}
	}
	return nil
}

// Names lists the block's attributes.
func (b *Block) Names() []string {
	var names []string
	for _, a := range b.Attributes {
		names = append(names, a.Name)
	}
	return names
}

// Lookup returns the block of that name, nil if there is none.
func Lookup(name string) *Block {
	for i := range Blocks {
		if Blocks[i].Name == name {
			return &Blocks[i]
		}
	}
	return nil
}
