//go:build !linux

package observe

// system adds nothing: what the operating system knows is read on Linux only.
func (m *Metrics) system() {}
