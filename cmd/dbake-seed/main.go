// Command dbake-seed is the agent that works inside the base image while an
// image is baked. Builders run it; nobody else needs to.
//
//	dbake-seed resolve        find the identity of the dumps and the base
//	dbake-seed restore        make the data directory
//	dbake-seed print-failure  print what a failed step left behind
//
// What to do comes as JSON in plan.PlanDir, what came out goes as JSON to
// plan.StatusDir. The binary carries no version stamp: it is part of the restore
// step's cache key.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
