package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Files keeps entries in a folder, one file for each, so that they outlive the
// process and are shared by all processes that use the folder. A file begins with
// the entry's end (Unix seconds, 8 bytes, 0 for none).
type Files struct {
	root  *os.Root
	locks locks // within this process; the file lock is between processes
	now   func() time.Time
}

// maxEntry bounds what is read of an entry, in bytes.
const maxEntry = 1 << 20

// NewFiles opens the folder, which only its owner may read; it is made if it is
// not there.
func NewFiles(folder string) (*Files, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of sessions: %w", err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of sessions: %w", err)
	}
	if readableByOthers(info) {
		return nil, fmt.Errorf("open the folder of sessions: %s can be read by other users of this machine; run: chmod 700 %s", folder, folder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of sessions: %w", err)
	}
	return &Files{root: root, now: time.Now}, nil
}

// Close closes the folder.
func (f *Files) Close() error { return f.root.Close() }

const (
	suffix     = ".session"
	lockSuffix = ".lock"
	newSuffix  = ".new" // while it is written
)

// Get implements Store.
func (f *Files) Get(_ context.Context, id string) ([]byte, error) {
	if info, err := f.root.Lstat(id + suffix); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, ErrNone // to open a pipe waits for its writer
	}
	file, err := f.root.Open(id + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("read a session: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxEntry+1))
	if err != nil {
		return nil, fmt.Errorf("read a session: %w", err)
	}
	if len(text) < 8 || len(text) > maxEntry {
		return nil, ErrNone // no entry that Put has written
	}
	if end := int64(binary.BigEndian.Uint64(text)); end != 0 && f.now().Unix() >= end {
		return nil, ErrNone
	}
	return text[8:], nil
}

// Put implements Store. The file is complete under its name or not there at all.
// It is an error to store more than Get would read.
func (f *Files) Put(_ context.Context, id string, sealed []byte, end time.Time) error {
	if 8+len(sealed) > maxEntry {
		return fmt.Errorf("store a session: it has %d bytes, and %d are the most", len(sealed), maxEntry-8)
	}
	seconds := int64(0)
	if !end.IsZero() {
		seconds = end.Unix()
	}
	return f.write(id+suffix, append(binary.BigEndian.AppendUint64(nil, uint64(seconds)), sealed...))
}

// write makes a file that is complete under its name or not there at all.
func (f *Files) write(name string, text []byte) error {
	temporary := fmt.Sprintf("%s.%d.%d"+newSuffix, name, os.Getpid(), f.now().UnixNano())
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("store a session: %w", err)
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = f.root.Rename(temporary, name)
	}
	if err != nil {
		_ = f.root.Remove(temporary)
		return fmt.Errorf("store a session: %w", err)
	}
	return nil
}

// Delete implements Store.
func (f *Files) Delete(_ context.Context, id string) error {
	if err := f.root.Remove(id + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a session: %w", err)
	}
	return nil
}

// IDs implements Store.
func (f *Files) IDs(context.Context) ([]string, error) {
	names, err := fs.Glob(f.root.FS(), "*"+suffix)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, suffix)
	}
	return names, nil
}

// lockPause is between two attempts at a lock that another process holds.
const lockPause = 50 * time.Millisecond

// Lock implements Store. The system frees a lock whose process is gone.
func (f *Files) Lock(ctx context.Context, id string) (func(), error) {
	release, err := f.locks.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	for {
		file, err := f.tryLock(id + lockSuffix)
		if file != nil {
			return func() { file.Close(); release() }, nil // closing unlocks
		}
		if err == nil {
			select {
			case <-ctx.Done():
				err = context.Cause(ctx)
			case <-time.After(lockPause):
				continue
			}
		}
		release()
		return nil, fmt.Errorf("lock a session: %w", err)
	}
}

// tryLock is the open, locked file of that name; nil while another process has it.
func (f *Files) tryLock(name string) (*os.File, error) {
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	locked, err := tryLock(file)
	if err == nil && locked && f.stands(file, name) {
		return file, nil
	}
	file.Close()
	return nil, err
}

// stands reports whether file is still what has the name: Sweep may have removed
// it between being opened and being locked.
func (f *Files) stands(file *os.File, name string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := f.root.Stat(name)
	return err == nil && os.SameFile(mine, now)
}

// abandoned is a file that a process did not finish writing for so long: it was killed.
const abandoned = time.Hour

// Sweep removes what has ended or was left behind, and returns how many entries are
// left. What somebody is at is left to the next one.
func (f *Files) Sweep(ctx context.Context) (left int, err error) {
	ids, err := f.IDs(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		gone, err := f.sweep(ctx, id)
		if err != nil {
			return left, err
		}
		if !gone {
			left++
		}
	}
	for _, pattern := range []string{"*" + lockSuffix, "*" + newSuffix} {
		names, err := fs.Glob(f.root.FS(), pattern)
		if err != nil {
			return left, fmt.Errorf("sweep sessions: %w", err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, newSuffix) {
				if info, err := f.root.Stat(name); err == nil && f.now().Sub(info.ModTime()) > abandoned {
					_ = f.root.Remove(name)
				}
			} else if file, _ := f.tryLock(name); file != nil {
				_ = f.root.Remove(name)
				file.Close()
			}
		}
	}
	return left, nil
}

// sweep removes an entry that has ended, unless somebody stores another just now.
func (f *Files) sweep(ctx context.Context, id string) (gone bool, err error) {
	if _, err := f.Get(ctx, id); !errors.Is(err, ErrNone) {
		return false, nil
	}
	lock, err := f.tryLock(id + lockSuffix)
	if lock == nil {
		return false, err
	}
	defer lock.Close()
	if _, err := f.Get(ctx, id); !errors.Is(err, ErrNone) {
		return false, nil
	}
	return true, f.Delete(ctx, id)
}
