package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// statement is a statement of a policy.
type statement struct {
	sid, effect        string
	actions, resources []string
	principals         bool
}

// policy gives the statements of an aws_iam_policy_document, those that depend
// on a variable as well.
func (m *module) policy(name string) (list []statement) {
	m.t.Helper()
	body := m.one("data", "aws_iam_policy_document", name).Body
	for _, b := range inside(body, "statement") {
		list = append(list, m.statement(b.Body))
	}
	for _, b := range inside(body, "dynamic", "statement") {
		list = append(list, m.statement(inside(b.Body, "content")[0].Body))
	}
	return list
}

func (m *module) statement(body *hclsyntax.Body) statement {
	m.t.Helper()
	s := statement{sid: m.constant(body, "sid"), effect: m.constant(body, "effect"), principals: len(inside(body, "principals")) > 0}
	s.actions, s.resources = m.list(body, "actions"), m.list(body, "resources")
	if len(s.actions) == 0 || len(s.resources) == 0 && !s.principals {
		m.t.Errorf("statement %s has no actions or resources", s.sid)
	}
	return s
}

// list gives the items of a list: constants as their values, all else as source.
func (m *module) list(body *hclsyntax.Body, name string) (items []string) {
	m.t.Helper()
	a := body.Attributes[name]
	if a == nil {
		return nil
	}
	tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return []string{m.source(a.Expr.Range())}
	}
	for _, e := range tuple.Exprs {
		if v, problems := e.Value(nil); !problems.HasErrors() {
			items = append(items, v.AsString())
		} else {
			items = append(items, m.source(e.Range()))
		}
	}
	return items
}

func (m *module) actions(policy string) (all []string) {
	m.t.Helper()
	for _, s := range m.policy(policy) {
		all = append(all, s.actions...)
	}
	return all
}

// everywhere are the statements that may name all resources, with the actions
// that they may have then: AWS knows no narrower resource for them.
var everywhere = map[string][]string{
	"LogInToRegistry":    {"ecr:GetAuthorizationToken"},
	"RegisterRevision":   {"ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"},
	"SayWhyTasksStopped": {"ecs:DescribeTasks", "ecs:ListTasks"}, // in one cluster, by a condition
	"JoinNetwork": {
		"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
	},
}

func TestPoliciesHaveNoWildcards(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	for _, b := range m.blocks("data", "aws_iam_policy_document") {
		for _, s := range m.policy(b.Labels[1]) {
			name := b.Labels[1] + "." + s.sid
			if s.effect == "Deny" {
				continue // a wildcard forbids more
			}
			for _, action := range s.actions {
				if strings.Contains(action, "*") {
					t.Errorf("%s allows %s", name, action)
				}
			}
			if slices.Contains(s.resources, "*") && !slices.Equal(s.actions, everywhere[s.sid]) {
				t.Errorf("%s allows %v everywhere", name, s.actions)
			}
		}
	}
}

// Nobody but the named services may take a role.
func TestRolesAreTrustedNarrowly(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	for _, b := range m.blocks("data", "aws_iam_policy_document") {
		if !strings.HasPrefix(b.Labels[1], "trust_") {
			continue
		}
		for _, s := range inside(b.Body, "statement") {
			principals := inside(s.Body, "principals")
			if len(principals) != 1 || slices.Contains(m.list(principals[0].Body, "identifiers"), "*") || len(inside(s.Body, "condition")) == 0 {
				t.Errorf("%s trusts too many", b.Labels[1])
			}
		}
	}
}
