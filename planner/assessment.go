package planner

// Action says what a run would do with a step, as far as somebody has looked.
type Action string

// The actions. Build and merge steps build, transfer, are up to date or blocked; import steps are read, missing or not needed.
const (
	ActionBuild    Action = "build"
	ActionTransfer Action = "transfer"
	ActionUpToDate Action = "up to date"
	// ActionBlocked is a step that would fail.
	ActionBlocked Action = "blocked"
	ActionRead    Action = "read"
	// ActionMissing is a source with nothing usable in it: the build goes on without.
	ActionMissing   Action = "missing"
	ActionNotNeeded Action = "not needed"
)

// Assessment is what somebody who looked at the world says of a step. It holds no secret.
type Assessment struct {
	Action Action
	// Why says why, one reason a line, the most telling first.
	Why []string
	// Miss is the first step of the Dockerfile that the cache of the last build does not hold, and where it stands; "" if that is not known.
	Miss string
}

// Assess enters what was found about steps. The plan keeps the map.
func (p *Plan) Assess(found map[StepID]*Assessment) { p.assessments = found }

// Assessment is what is known of a step; nil when nobody has looked.
func (p *Plan) Assessment(id StepID) *Assessment { return p.assessments[id] }
