// Command kubeapi is a Kubernetes control plane for tests and for the practice fleet: etcd embedded
// beside the real kube-apiserver, in one process, on loopback.
//
//	kubeapi serve --etcd-dir DIR [kube-apiserver flags]   run until a signal; etcd listens on a Unix socket
//	kubeapi crds                                          print Cilium's CustomResourceDefinitions, one JSON object a line
//	kubeapi version                                       print the Kubernetes version this was built from
//
// There is no controller manager, no scheduler and no node: the server accepts policy, nothing enforces it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	ciliumcrds "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kubeapi:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("one of serve, crds, version is needed")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "crds":
		return printCRDs()
	case "version":
		fmt.Println(version.Get().GitVersion)
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func serve(args []string) error {
	if len(args) < 2 || args[0] != "--etcd-dir" {
		return fmt.Errorf("serve needs --etcd-dir DIR first")
	}
	store, endpoint, err := startEtcd(args[1])
	if err != nil {
		return err
	}
	defer store.Close()

	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{"--etcd-servers=" + endpoint}, args[2:]...))
	return command.Execute()
}

// startEtcd keeps its data without fsync: a practice cluster that loses its last second to a power cut is no loss.
func startEtcd(dir string) (*embed.Etcd, string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	// A socket path is limited to about 100 bytes, shorter than many data folders are deep: a short
	// folder of its own holds the sockets, and goes with the process.
	sockets, err := os.MkdirTemp("", "kubeapi")
	if err != nil {
		return nil, "", err
	}
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.QuotaBackendBytes = 512 << 20
	client := url.URL{Scheme: "unix", Path: sockets + "/client"}
	peer := url.URL{Scheme: "unix", Path: sockets + "/peer"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	store, err := embed.StartEtcd(config)
	if err != nil {
		return nil, "", fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, client.String(), nil
	case <-time.After(30 * time.Second):
		store.Close()
		return nil, "", fmt.Errorf("etcd was not ready after 30 s")
	}
}

func printCRDs() error {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, name := range []string{
		"ciliumnetworkpolicies.yaml", "ciliumclusterwidenetworkpolicies.yaml", "ciliumcidrgroups.yaml",
	} {
		manifest, err := ciliumcrds.EmbedFS.ReadFile(name)
		if err != nil {
			return err
		}
		asJSON, err := yaml.YAMLToJSON(manifest)
		if err != nil {
			return err
		}
		if !json.Valid(asJSON) || strings.ContainsRune(string(asJSON), '\n') {
			return fmt.Errorf("a CRD did not convert to one line of JSON")
		}
		fmt.Fprintln(out, string(asJSON))
	}
	return nil
}
