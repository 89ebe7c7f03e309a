package ecsfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func clientError(kind, message string) *Fault {
	return &Fault{http.StatusBadRequest, kind, message}
}

func (s *Server) answer(operation string, in Object) (Object, *Fault) {
	if cluster, given := in["cluster"]; given && text(cluster) != "main" {
		return nil, clientError("ClusterNotFoundException", "Cluster not found.")
	}
	switch operation {
	case "DescribeServices":
		return s.describeServices(in), nil
	case "DescribeTaskDefinition":
		return s.describeDefinition(in)
	case "RegisterTaskDefinition":
		arn := s.register(in)
		return Object{"taskDefinition": s.definitions[arn], "tags": s.tags[arn]}, nil
	case "DeregisterTaskDefinition":
		return s.deregister(in)
	case "UpdateService":
		return s.update(in)
	case "ListTasks", "DescribeTasks":
		return s.tasks(operation), nil
	}
	return nil, clientError("UnknownOperationException", operation)
}

func text(v any) string { t, _ := v.(string); return t }

func short(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func arn(kind, name string) string {
	return "arn:aws:ecs:" + Region + ":" + Account + ":" + kind + "/" + name
}

func definitionARN(name string) string { return arn("task-definition", short(name)) }

// register keeps a task definition, with what ECS adds to it.
func (s *Server) register(in Object) string {
	family, revision := text(in["family"]), 1
	for s.definitions[definitionARN(fmt.Sprintf("%s:%d", family, revision))] != nil {
		revision++
	}
	id := definitionARN(fmt.Sprintf("%s:%d", family, revision))
	definition := maps.Clone(in)
	delete(definition, "tags")
	maps.Copy(definition, Object{
		"taskDefinitionArn": id, "revision": revision, "status": "ACTIVE", "registeredAt": now(),
		"registeredBy": "arn:aws:iam::" + Account + ":role/ci", "compatibilities": []string{"EC2", "FARGATE"},
		"requiresAttributes": []Object{{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}},
	})
	s.definitions[id] = definition
	s.tags[id], _ = in["tags"].([]any)
	return id
}

func (s *Server) describeDefinition(in Object) (Object, *Fault) {
	id := definitionARN(text(in["taskDefinition"]))
	if s.definitions[id] == nil {
		return nil, clientError("ClientException", "Unable to describe task definition.")
	}
	out := Object{"taskDefinition": s.definitions[id]}
	if fields, _ := in["include"].([]any); slices.Contains(fields, any("TAGS")) {
		out["tags"] = s.tags[id]
	}
	return out, nil
}

func (s *Server) deregister(in Object) (Object, *Fault) {
	id := definitionARN(text(in["taskDefinition"]))
	if s.definitions[id] == nil {
		return nil, clientError("ClientException", "The specified task definition does not exist.")
	}
	s.definitions[id]["status"] = "INACTIVE"
	return Object{"taskDefinition": s.definitions[id]}, nil
}

func (s *Server) update(in Object) (Object, *Fault) {
	service := s.services[short(text(in["service"]))]
	if service == nil {
		return nil, clientError("ServiceNotFoundException", "Service not found.")
	}
	id := definitionARN(text(in["taskDefinition"]))
	if s.definitions[id] == nil || s.definitions[id]["status"] != "ACTIVE" {
		return nil, clientError("InvalidParameterException", "TaskDefinition is inactive")
	}
	service.stale = clones(service.Deployments)
	s.begin(service, id)
	return Object{"service": service.object()}, nil
}

// begin makes a revision the one that the service is on its way to.
func (s *Server) begin(service *Service, id string) {
	for _, d := range service.Deployments {
		if d["status"] == "PRIMARY" {
			d["status"] = "ACTIVE"
		}
	}
	service.from, service.TaskDefinition, service.looks = service.TaskDefinition, id, 0
	service.Deployments = slices.Insert(service.Deployments, 0, s.deployment(id, "IN_PROGRESS", 0))
	service.say(fmt.Sprintf("(service %s) has started 2 tasks: (task 1) (task 2).", service.Name))
}

func (s *Server) describeServices(in Object) Object {
	found, failures := []Object{}, []Object{}
	names, _ := in["services"].([]any)
	for _, n := range names {
		service := s.services[short(text(n))]
		if service == nil {
			failures = append(failures, Object{"arn": arn("service", "main/"+short(text(n))), "reason": "MISSING"})
			continue
		}
		service.looks++
		s.advance(service)
		if s.OnLook != nil {
			s.OnLook(service, service.looks)
		}
		shown := service.object()
		if service.stale != nil && service.looks <= s.rollout(service).Stale {
			shown["deployments"], shown["taskDefinition"] = service.stale, service.from
		}
		found = append(found, shown)
	}
	return Object{"services": found, "failures": failures}
}

func (s *Server) rollout(service *Service) Rollout {
	if s.Rollout == nil {
		return Rollout{Polls: 2}
	}
	return s.Rollout(short(service.TaskDefinition))
}

// advance moves the rollout on by one look.
func (s *Server) advance(service *Service) {
	d, how := service.Deployments[0], s.rollout(service)
	if d["rolloutState"] != "IN_PROGRESS" {
		return
	}
	d["pendingCount"] = 2
	if how.Stopped != "" {
		d["failedTasks"] = service.looks
	}
	if how.Polls < 0 || service.looks < how.Polls {
		return
	}
	if how.Fail != "" {
		d["rolloutState"], d["rolloutStateReason"] = "FAILED", how.Fail
		service.say(fmt.Sprintf("(service %s) deployment failed: tasks failed to start.", service.Name))
		if how.Back {
			s.begin(service, service.from)
		}
		return
	}
	d["rolloutState"], d["runningCount"], d["pendingCount"] = "COMPLETED", 2, 0
	service.Deployments = service.Deployments[:1]
	service.say(fmt.Sprintf("(service %s) has reached a steady state.", service.Name))
}

func clones(list []Object) (out []Object) {
	for _, o := range list {
		out = append(out, maps.Clone(o))
	}
	return out
}

func (s *Service) object() Object {
	controller := s.Controller
	if controller == "" {
		controller = "ECS"
	}
	return Object{
		"serviceArn": arn("service", "main/"+s.Name), "serviceName": s.Name, "clusterArn": arn("cluster", "main"),
		"status": s.Status, "taskDefinition": s.TaskDefinition, "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
		"launchType": "FARGATE", "schedulingStrategy": "REPLICA", "deploymentController": Object{"type": controller},
		"deployments": clones(s.Deployments), "events": s.Events, "createdAt": now(), "propagateTags": "NONE",
	}
}

// tasks are the stopped tasks of all revisions.
func (s *Server) tasks(operation string) Object {
	arns, tasks := []string{}, []Object{}
	for _, id := range slices.Sorted(maps.Keys(s.definitions)) {
		if s.Rollout == nil || s.Rollout(short(id)).Stopped == "" {
			continue
		}
		how, task := s.Rollout(short(id)), arn("task", "main/"+strings.NewReplacer(":", "-").Replace(short(id)))
		arns = append(arns, task)
		tasks = append(tasks, Object{
			"taskArn": task, "taskDefinitionArn": id, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
			"stopCode": "EssentialContainerExited", "stoppedReason": how.Stopped, "stoppedAt": now(),
			"containers": []Object{{"name": "app", "exitCode": how.ExitCode, "lastStatus": "STOPPED"}},
		})
	}
	if operation == "ListTasks" {
		return Object{"taskArns": arns}
	}
	return Object{"tasks": tasks, "failures": []Object{}}
}
