//go:build unix

package redis

import (
	"os"
	"syscall"
)

// Freeze stops the server from answering while its connections stay open.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(what os.Signal) {
	if err := s.cmd.Process.Signal(what); err != nil {
		s.t.Errorf("signal redis-server: %v", err)
	}
}
