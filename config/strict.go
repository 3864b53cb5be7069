package config

// Strict tells whether one of the files is cachectl's own. Without one all are Bake's, and what Bake lets pass is told and let pass too.
func (c *Config) Strict() bool { return c.strict }
