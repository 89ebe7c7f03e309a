package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dbake/dbake/test/parts"
	"github.com/dbake/dbake/test/shop"
)

// runImage starts a container, measures the time to its first answer, and
// compares an answer with that of the server that was dumped.
func (d *demo) runImage(ctx context.Context) error {
	d.say("The image is run: the data is in it")
	// Pulled first: the time to the first answer is about starting.
	d.typed("docker pull --quiet %s", d.image)
	pull, err := d.parts.DockerCommand(ctx, "pull", "--quiet", d.image)
	if err != nil {
		return err
	}
	if err := d.show(pull); err != nil {
		return err
	}
	if d.port, err = parts.FreePort(); err != nil {
		return err
	}
	args := []string{"run", "--detach", "--name", "shop-db", "--publish", fmt.Sprintf("127.0.0.1:%d:3306", d.port), d.image}
	d.typed("docker %s", strings.Join(args, " "))
	began := time.Now()
	id, err := d.parts.Docker(ctx, args...)
	if err != nil {
		return err
	}
	d.container = strings.TrimSpace(id)
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := shop.WaitForAnswer(limited, d.port, "app", d.appPassword); err != nil {
		return d.withLog(ctx, err)
	}
	d.firstAnswer = time.Since(began)
	return d.ask(ctx)
}

// ask shows a query's answer and checks it.
func (d *demo) ask(ctx context.Context) error {
	d.typed("mysql -h127.0.0.1 -P%d -uapp -p'%s' -e '%s'", d.port, d.appPassword, query)
	cmd, err := d.parts.ClientCommand(ctx, parts.MySQL, "mysql",
		"--host=127.0.0.1", "--port="+strconv.Itoa(d.port), "--user=app", "--table", "--execute="+query)
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, "MYSQL_PWD="+d.appPassword)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return d.withLog(ctx, fmt.Errorf("ask the container: %w: %s", err, out))
	}
	fmt.Fprint(d.out, string(out))
	if string(out) != d.want {
		return fmt.Errorf("the server that was dumped answered differently:\n%s", d.want)
	}
	return nil
}

// withLog adds the container's log to an error.
func (d *demo) withLog(ctx context.Context, err error) error {
	cmd, commandErr := d.parts.DockerCommand(ctx, "logs", d.container)
	if commandErr != nil {
		return err
	}
	log, _ := cmd.CombinedOutput()
	return fmt.Errorf("%w\n--- the container's log ---\n%s", err, log)
}

// summary prints what was made and how to use it.
func (d *demo) summary(ctx context.Context, keep bool) error {
	size, layers, err := sizeOf(ctx, d.image)
	if err != nil {
		return err
	}
	base, _, err := sizeOf(ctx, d.base)
	if err != nil {
		return err
	}
	d.say("Done")
	fmt.Fprintf(d.out, `image                 %s
size in the registry  %.0f MB in %d layers, of which the base image is %.0f MB
baked and pushed in   %.1f s; unchanged again: %.1f s; by docker buildx build: %.1f s
first answer          %.0f ms after "docker run"
connect               mysql -h127.0.0.1 -P%d -uapp -p'%s' shop
`, d.image, mega(size), layers, mega(base), d.baked.Seconds(), d.again.Seconds(), d.built.Seconds(),
		float64(d.firstAnswer.Microseconds())/1000, d.port, d.appPassword)
	if keep {
		fmt.Fprintln(d.out, "\nEverything runs until Ctrl-C.")
	} else {
		fmt.Fprintln(d.out, "\nEverything is stopped now; \"make demo KEEP=1\" leaves it running.")
	}
	return nil
}

// sizeOf is the compressed size of an image's layers in bytes, and their
// number.
func sizeOf(ctx context.Context, image string) (size int64, layers int, err error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return 0, 0, err
	}
	remoteImage, err := remote.Image(ref, remote.WithContext(ctx))
	if err != nil {
		return 0, 0, err
	}
	manifest, err := remoteImage.Manifest()
	if err != nil {
		return 0, 0, err
	}
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, len(manifest.Layers), nil
}
