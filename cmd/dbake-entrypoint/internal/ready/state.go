package ready

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Phase is how far PID 1 has come.
type Phase string

// The phases, in order. Only Serving is healthy.
const (
	Filling  Phase = "filling the empty volume"
	Starting Phase = "starting the server"
	Scripts  Phase = "running the scripts of /docker-entrypoint-initdb.d"
	Serving  Phase = "serving"
	Stopping Phase = "stopping"
)

// State is what PID 1 writes down for the health check. The command line can
// change the socket, so the check cannot know it otherwise.
type State struct {
	Phase  Phase  `json:"phase"`
	Socket string `json:"socket"`
	// Greet says that the server does not mind connections without a login.
	Greet bool `json:"greet"`
	// Entrypoint and Server are process ids with the time, in clock ticks
	// since boot, at which the process started: a file that survived a
	// restart of the container does not fit any more.
	Entrypoint Process `json:"entrypoint"`
	Server     Process `json:"server"`
}

// Process is a process that is told from later ones with the same id.
type Process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

// Identify returns the Process for pid; one that does not live has no Start.
func Identify(pid int) Process {
	_, start := procStat(pid)
	return Process{PID: pid, Start: start}
}

func (p Process) alive() bool {
	state, start := procStat(p.PID)
	return start != "" && start == p.Start && state != "Z" && state != "X" && state != "T"
}

// procStat reads a process's state letter and start time: fields 3 and 22 of
// /proc/PID/stat, counted behind the name, which may have spaces in it.
func procStat(pid int) (state, start string) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return "", ""
	}
	return string(fields[0]), string(fields[19])
}

// Places are where the state is kept: the first one that can be written. The
// data directory is the one place that always can.
func Places(datadir string) []string {
	return []string{"/run/dbake/state.json", "/tmp/.dbake-state.json", filepath.Join(datadir, ".dbake-state.json")}
}

// Write puts s into the first of places that takes it, whole or not at all.
func (s State) Write(places []string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	var failed []error
	for _, path := range places {
		err := replace(path, data)
		if err == nil {
			return nil
		}
		failed = append(failed, err)
	}
	return fmt.Errorf("the health check will not work: %w", errors.Join(failed...))
}

func replace(path string, data []byte) error {
	_ = os.MkdirAll(filepath.Dir(path), 0o755) // the next step says why not
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return nil
}

// greeting is how long a server may take to greet.
const greeting = 5 * time.Second

// Check is the health check: nil if the server serves, and otherwise why not.
func Check(places []string) error {
	s, err := current(places)
	if err != nil {
		return err
	}
	if s.Phase != Serving {
		return fmt.Errorf("not ready: %s", s.Phase)
	}
	if !s.Server.alive() {
		return fmt.Errorf("the server (process %d) does not run", s.Server.PID)
	}
	switch ok, err := Listening(s.Socket); {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("the server does not listen at %s", s.Socket)
	}
	if s.Greet {
		if err := Greet(s.Socket, greeting); err != nil {
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
	return nil
}

// current finds the state written by the entrypoint that runs now.
func current(places []string) (State, error) {
	for _, path := range places {
		var s State
		data, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(data, &s) == nil && s.Entrypoint.alive() {
			return s, nil
		}
	}
	return State{}, errors.New("no server has been started in this container")
}
