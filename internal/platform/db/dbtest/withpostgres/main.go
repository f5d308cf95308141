// Command withpostgres runs a command with STOA_TEST_POSTGRES naming one throw-away PostgreSQL cluster, so that all packages of a test
// run share it: withpostgres go test ./...
//
// When STOA_TEST_POSTGRES is set already, or no PostgreSQL is installed, it only runs the command.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres COMMAND [ARG …]")
		return 2
	}
	switch os.Getenv("STOA_TEST_POSTGRES") {
	case "off": // go test shows no reasons of skipped tests
		fmt.Fprintln(os.Stderr, "withpostgres: PostgreSQL is turned off by STOA_TEST_POSTGRES=off: its half of the tests does not run")
	case "":
		dir, err := dbtest.ClusterDir()
		if err != nil {
			fmt.Fprintln(os.Stderr, "withpostgres:", err)
			return 1
		}
		url, stop, err := dbtest.StartCluster(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, "withpostgres: going on without:", err)
		} else {
			defer stop()
			os.Setenv("STOA_TEST_POSTGRES", url)
		}
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the command gets them too and ends first
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	return 0
}
