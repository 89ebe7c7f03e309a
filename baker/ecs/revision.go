package ecs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/name"
)

// next is the order for a revision that differs from d in the image of one
// container, and has its tags.
func next(d *types.TaskDefinition, tags []types.Tag, container int, image string) *awsecs.RegisterTaskDefinitionInput {
	containers := slices.Clone(d.ContainerDefinitions)
	containers[container].Image = &image
	return &awsecs.RegisterTaskDefinitionInput{
		Family:                  d.Family,
		ContainerDefinitions:    containers,
		Cpu:                     d.Cpu,
		EnableFaultInjection:    d.EnableFaultInjection,
		EphemeralStorage:        d.EphemeralStorage,
		ExecutionRoleArn:        d.ExecutionRoleArn,
		InferenceAccelerators:   d.InferenceAccelerators, //nolint:staticcheck // old definitions have them
		IpcMode:                 d.IpcMode,
		Memory:                  d.Memory,
		NetworkMode:             d.NetworkMode,
		PidMode:                 d.PidMode,
		PlacementConstraints:    d.PlacementConstraints,
		ProxyConfiguration:      d.ProxyConfiguration,
		RequiresCompatibilities: d.RequiresCompatibilities,
		RuntimePlatform:         d.RuntimePlatform,
		Tags:                    own(tags),
		TaskRoleArn:             d.TaskRoleArn,
		Volumes:                 d.Volumes,
	}
}

// own are the tags that a user may set; those of AWS itself are refused.
func own(tags []types.Tag) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool {
		return strings.HasPrefix(strings.ToLower(aws.ToString(t.Key)), "aws:")
	})
}

// pick finds the container that gets the image: the named one, the one whose
// image is of the same repository, or the only one.
func pick(containers []types.ContainerDefinition, named, image string) (int, error) {
	var names []string
	var same []int
	for i, c := range containers {
		if named != "" && aws.ToString(c.Name) == named {
			return i, nil
		}
		names = append(names, aws.ToString(c.Name))
		if repository(aws.ToString(c.Image)) == repository(image) {
			same = append(same, i)
		}
	}
	list := strings.Join(names, ", ")
	switch {
	case named != "":
		return 0, fmt.Errorf("container %q: %w in the task definition, which has %s", named, ErrNotFound, list)
	case len(same) == 1:
		return same[0], nil
	case len(containers) == 1:
		return 0, nil
	case len(same) > 1:
		return 0, fmt.Errorf("%w: %d of %s run an image of %s; name one", ErrAmbiguous, len(same), list, repository(image))
	}
	return 0, fmt.Errorf("%w: none of %s runs an image of %s; name one", ErrAmbiguous, list, repository(image))
}

// repository is what stands before tag and digest, with the host that Docker adds.
func repository(image string) string {
	ref, err := name.ParseReference(image, name.WeakValidation)
	if err != nil {
		return image
	}
	return ref.Context().Name()
}

// digest is what stands behind the @; empty when there is none.
func digest(image string) string {
	_, d, _ := strings.Cut(image, "@")
	return d
}

// short is family:revision of an ARN.
func short(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
