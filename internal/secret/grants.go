package secret

// Grants say which values one document gets where several are served in one
// process: published documents bind each other's names. Nil, and the zero Grants,
// grant everything. They are set before anything runs.
type Grants struct {
	// Refused says by which flag the operator would grant a value; "" is granted.
	Refused func(Ref) string
}

// refuses returns the flag that would grant ref, if it is not granted.
func (g *Grants) refuses(r Ref) (flag string, refused bool) {
	if g == nil || g.Refused == nil {
		return "", false
	}
	flag = g.Refused(r)
	return flag, flag != ""
}

// Grant is the name by which the operator grants a value: that of an environment
// variable, else LOCATION#KEY.
func (r Ref) Grant() string {
	if _, scheme, err := parseLocation(r.Location); err == nil && (scheme == envScheme || scheme == githubScheme) {
		return r.Key
	}
	return r.Location + "#" + r.Key
}
