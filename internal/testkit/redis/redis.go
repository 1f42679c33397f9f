// Package redis starts a real redis-server for tests, on a free loopback port.
package redis

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Server is a redis-server that keeps nothing on disk.
type Server struct {
	Addr string // host:port
	t    testing.TB
	cmd  *exec.Cmd
	args []string

	watched *Server // by a sentinel
}

// Start runs a server until the test ends, with further arguments, such as
// --requirepass; with a certificate it speaks TLS and nothing else. The test is skipped where redis-server is not
// installed.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if !Installed() {
		t.Skip("redis-server is not installed (Debian: apt-get install redis-server)")
	}
	s := &Server{t: t, args: args}
	s.start()
	return s
}

// Sentinel runs a sentinel until the test ends, which says where the server is that
// it calls by a name.
func Sentinel(t testing.TB, name string, watched *Server) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(watched.Addr)
	s := &Server{t: t, watched: watched, args: []string{"--sentinel", "monitor", name, host, port, "1"}}
	s.start()
	return s
}

func (s *Server) start() {
	t := s.t
	t.Helper()
	for range 10 { // another process may take the port first
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = l.Addr().String()
		l.Close()
		if s.run() {
			t.Cleanup(s.Stop)
			return
		}
	}
	t.Fatal("redis-server does not start")
}

// run starts the process and reports whether it accepts connections.
func (s *Server) run() bool {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	folder := s.t.TempDir()
	log := filepath.Join(folder, "log")
	args := []string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, "--logfile", log}
	if slices.Contains(s.args, "--tls-cert-file") {
		args = append(args, "--port", "0", "--tls-port", port)
	} else {
		args = append(args, "--port", port)
	}
	args = append(args, s.args...)
	if s.watched != nil { // a sentinel writes its own file
		file := filepath.Join(folder, "sentinel.conf")
		text := "port " + port + "\nbind 127.0.0.1\ndir " + folder + "\nlogfile " + log + "\n" +
			strings.TrimPrefix(strings.Join(s.args, " "), "--") + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		args = []string{file, "--sentinel"}
	}
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(ended) }()
	for range 500 {
		select {
		case <-ended:
			text, _ := os.ReadFile(log)
			s.t.Logf("redis-server ended: %s", text)
			return false
		case <-time.After(10 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", s.Addr); err == nil {
			c.Close()
			return true
		}
	}
	s.Stop()
	return false
}

// Stop kills the server; what it held is gone.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	for range 500 {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Error("redis-server does not end")
}

// Restart starts a stopped server at the same address.
func (s *Server) Restart() {
	s.t.Helper()
	if !s.run() {
		s.t.Fatal("redis-server does not start again")
	}
}

// Installed reports whether there is a redis-server to start.
func Installed() bool {
	_, err := exec.LookPath("redis-server")
	return err == nil
}
