// Package ecsfake is a small Amazon ECS for tests: services, deployments and task
// definitions in memory, behind the protocol that the real one speaks (AWS JSON
// 1.1: POST with X-Amz-Target), in the shapes of the Amazon ECS API Reference.
package ecsfake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account and Region stand in the ARNs.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

const (
	target      = "AmazonEC2ContainerServiceV20141113."
	contentType = "application/x-amz-json-1.1"
)

// Object is a JSON object as it is on the wire.
type Object = map[string]any

// Rollout says how a rollout of a revision goes.
type Rollout struct {
	// Polls is after how many looks it ends; negative for never.
	Polls int
	// Fail makes the circuit breaker give up, with this reason.
	Fail string
	// Back makes the circuit breaker go back to the revision before, by itself.
	Back bool
	// Stale is how many looks see the service as it was before the update.
	Stale int
	// Stopped is why tasks of the revision stop; ExitCode is their container's.
	Stopped  string
	ExitCode int
}

// Fault is an error answer.
type Fault struct {
	Status        int
	Type, Message string
}

// Call is a request that came.
type Call struct {
	Operation string
	Input     Object
}

// Server is the fake. Its functions may be set before the first request.
type Server struct {
	URL string
	// Rollout says how the rollout of family:revision goes; completed at the
	// second look if nil.
	Rollout func(revision string) Rollout
	// Fault gives an error instead of the answer to the n-th request of an
	// operation, which counts from 1; nil for none.
	Fault func(operation string, n int) *Fault
	// OnLook is called at every look at a service, with the server locked.
	OnLook func(s *Service, n int)

	http *httptest.Server

	mu          sync.Mutex
	calls       []Call
	counts      map[string]int
	services    map[string]*Service
	definitions map[string]Object // by ARN: what describing one answers
	tags        map[string][]any
	deployments int
}

// Service is a service of the cluster "main".
type Service struct {
	Name, TaskDefinition string
	Status               string
	Controller           string // ECS if empty
	Deployments          []Object
	Events               []Object // newest first, as in the API

	looks int
	stale []Object
	from  string
}

// Start starts a server. Close ends it.
func Start() *Server {
	s := &Server{
		counts: map[string]int{}, services: map[string]*Service{},
		definitions: map[string]Object{}, tags: map[string][]any{},
	}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// Calls are the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Operations are the names of the operations that were called, sorted.
func (s *Server) Operations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.counts))
}

// Definition is what describing family:revision answers.
func (s *Server) Definition(revision string) (Object, []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := definitionARN(revision)
	return s.definitions[arn], s.tags[arn]
}

// Running is family:revision that a service is on its way to.
func (s *Server) Running(service string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return short(s.services[service].TaskDefinition)
}

// AddService makes a service in the cluster "main" that runs a task definition;
// definition is the input of RegisterTaskDefinition.
func (s *Server) AddService(name string, definition Object) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.register(definition)
	service := &Service{Name: name, TaskDefinition: arn, Status: "ACTIVE"}
	service.Deployments = []Object{s.deployment(arn, "COMPLETED", 2)}
	service.say(fmt.Sprintf("(service %s) has reached a steady state.", name))
	s.services[name] = service
	return service
}

func (s *Server) deployment(arn, state string, running int) Object {
	s.deployments++
	return Object{
		"id": fmt.Sprintf("ecs-svc/%019d", s.deployments), "status": "PRIMARY", "taskDefinition": arn,
		"desiredCount": 2, "pendingCount": 0, "runningCount": running, "failedTasks": 0,
		"createdAt": now(), "updatedAt": now(), "launchType": "FARGATE", "platformVersion": "1.4.0",
		"rolloutState": state, "rolloutStateReason": "ECS deployment " + strings.ToLower(state) + ".",
	}
}

// say adds an event to the service.
func (s *Service) say(message string) {
	s.Events = slices.Insert(s.Events, 0, Object{"id": fmt.Sprintf("event-%d", len(s.Events)), "createdAt": now(), "message": message})
}

// now is a time as AWS JSON has them: seconds since 1970.
func now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	body, err := io.ReadAll(r.Body)
	var input Object
	if !ok || err != nil || r.Header.Get("Content-Type") != contentType || json.Unmarshal(body, &input) != nil {
		http.Error(w, "this is no request to ECS", http.StatusBadRequest)
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/"+Region+"/ecs/aws4_request") {
		reply(w, http.StatusBadRequest, Object{"__type": "InvalidSignatureException", "message": "not signed for ecs in " + Region})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{operation, input})
	s.counts[operation]++
	answer, fault := Object(nil), (*Fault)(nil)
	if s.Fault != nil {
		fault = s.Fault(operation, s.counts[operation])
	}
	if fault == nil {
		answer, fault = s.answer(operation, input)
	}
	if fault != nil {
		reply(w, fault.Status, Object{"__type": fault.Type, "message": fault.Message})
		return
	}
	reply(w, http.StatusOK, answer)
}

func reply(w http.ResponseWriter, status int, answer Object) {
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
