// Command inside is what the jail's tests run inside.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"
)

func main() {
	switch os.Args[1] {
	case "look":
		look(os.Args[2:])
	case "write":
		for _, name := range os.Args[2:] {
			if err := os.WriteFile(name, []byte("changed"), 0o644); err != nil {
				fmt.Println(err)
			}
		}
	case "exit":
		os.Exit(7)
	case "obey":
		wait := make(chan os.Signal, 1)
		signal.Notify(wait, syscall.SIGTERM)
		fmt.Println("ready")
		<-wait
		fmt.Println("told to end")
		os.Exit(9)
	case "cling":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		for _, session := range []bool{false, true} {
			child := exec.Command("/inside", "sleep")
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
			child.Stdout = os.Stdout // keeps the pipe open
			if err := child.Start(); err != nil {
				fmt.Println(err)
			}
		}
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "leave":
		child := exec.Command("/inside", "sleep")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			fmt.Println(err)
		}
	case "sleep":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		time.Sleep(time.Hour)
	}
}

// look prints what the program finds around it, and what the files hold that it
// is asked for.
func look(files []string) {
	host, _ := os.Hostname()
	seen := map[string]any{"uid": os.Getuid(), "gid": os.Getgid(), "host": host, "env": os.Environ()}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		for _, key := range []string{"CapEff:", "CapBnd:", "NoNewPrivs:"} {
			if value, ok := strings.CutPrefix(line, key); ok {
				seen[key] = strings.TrimSpace(value)
			}
		}
	}
	contents := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			text = []byte(err.Error())
		}
		contents[name] = string(text)
	}
	seen["files"] = contents
	var names []string
	entries, _ := os.ReadDir("/")
	for _, e := range entries {
		names = append(names, e.Name())
	}
	sort.Strings(names)
	seen["root"] = names
	mounts, _ := os.ReadFile("/proc/self/mounts")
	seen["mounts"] = strings.Count(string(mounts), "\n")
	_, err := os.ReadFile("/dev/null")
	seen["null"] = err == nil
	_ = json.NewEncoder(os.Stdout).Encode(seen)
}
