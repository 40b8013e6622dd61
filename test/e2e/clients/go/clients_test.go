// client-go against the embedded control plane: discovery, the shared informer, server-side apply, leader election.
// KUBECONFIG names the server; the Node test beside this folder starts it and runs `go test`.
package clients

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const namespace = "default"

var (
	deployments = schema.GroupVersionResource{Group: "jouleops.dev", Version: "v1alpha1", Resource: "modeldeployments"}
)

func config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatalf("KUBECONFIG must name the kubeconfig of a running control plane: %v", err)
	}
	return config
}

func objects(t *testing.T) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(deployments).Namespace(namespace)
}

func deployment(name, energy string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "jouleops.dev/v1alpha1",
		"kind":       "ModelDeployment",
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"modelVersionName": "machine-state-2",
			"budget":           map[string]any{"energyPerInference": energy},
			"placement":        map[string]any{"replicas": int64(2)},
		},
	}}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("not within 20 s: %s", what)
}

func TestDiscoveryMapsKindsToResources(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewShortcutExpander(restmapper.NewDiscoveryRESTMapper(groups), client, nil)
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "jouleops.dev", Kind: "EdgeDevice"})
	if err != nil || mapping.Resource.Resource != "edgedevices" || mapping.Scope.Name() != "root" {
		t.Fatalf("EdgeDevice maps to %v: %v", mapping, err)
	}
	short, err := mapper.ResourceFor(schema.GroupVersionResource{Resource: "mdep"})
	if err != nil || short != deployments {
		t.Fatalf("mdep maps to %v: %v", short, err)
	}
}

// The informer lists by watching (WatchList) when the server can, and falls back when it cannot.
func TestInformerFollowsChanges(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := objects(t)
	if _, err := client.Create(ctx, deployment("informed-before", "80mJ"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	dynamicClient, err := dynamic.NewForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(dynamicClient, 0, namespace, nil)
	informer := factory.ForResource(deployments)
	var lock sync.Mutex
	var seen []string
	record := func(kind string, object any) {
		lock.Lock()
		defer lock.Unlock()
		seen = append(seen, kind+" "+object.(*unstructured.Unstructured).GetName())
	}
	_, err = informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { record("added", object) },
		UpdateFunc: func(_, object any) { record("updated", object) },
		DeleteFunc: func(object any) { record("deleted", object) },
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced) {
		t.Fatal("the informer did not sync")
	}
	created, err := client.Create(ctx, deployment("informed", "80mJ"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = unstructured.SetNestedField(created.Object, "90mJ", "spec", "budget", "energyPerInference")
	updated, err := client.Update(ctx, created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.GetGeneration() != 2 {
		t.Fatalf("generation %d after a change of the spec", updated.GetGeneration())
	}
	if _, err = client.Update(ctx, created, metav1.UpdateOptions{}); !errors.IsConflict(err) {
		t.Fatalf("an old resourceVersion was taken: %v", err)
	}
	if err = client.Delete(ctx, "informed", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"added informed-before", "added informed", "updated informed", "deleted informed"}
	eventually(t, "the handlers saw every change once, in order", func() bool {
		lock.Lock()
		defer lock.Unlock()
		return slices.Equal(seen, want)
	})
	if _, err = informer.Lister().ByNamespace(namespace).Get("informed-before"); err != nil {
		t.Fatalf("the store lacks what was there before: %v", err)
	}
}

func TestApplyOwnsFields(t *testing.T) {
	ctx, client := t.Context(), objects(t)
	if _, err := client.Apply(ctx, "applied", deployment("applied", "80mJ"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
		t.Fatal(err)
	}
	other := deployment("applied", "70mJ")
	if _, err := client.Apply(ctx, "applied", other, metav1.ApplyOptions{FieldManager: "two"}); !errors.IsConflict(err) {
		t.Fatalf("another manager's field was taken without force: %v", err)
	}
	forced, err := client.Apply(ctx, "applied", other, metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil {
		t.Fatal(err)
	}
	managers := map[string]bool{}
	for _, entry := range forced.GetManagedFields() {
		managers[entry.Manager] = true
	}
	if !managers["one"] || !managers["two"] {
		t.Fatalf("the managers are %v", managers)
	}
	status := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "jouleops.dev/v1alpha1",
		"kind":       "ModelDeployment",
		"metadata":   map[string]any{"name": "applied", "namespace": namespace},
		"status":     map[string]any{"observedGeneration": int64(2)},
	}}
	written, err := client.ApplyStatus(ctx, "applied", status, metav1.ApplyOptions{FieldManager: "status"})
	if err != nil {
		t.Fatal(err)
	}
	energy, _, _ := unstructured.NestedString(written.Object, "spec", "budget", "energyPerInference")
	observed, _, _ := unstructured.NestedInt64(written.Object, "status", "observedGeneration")
	if energy != "70mJ" || observed != 2 || written.GetGeneration() != forced.GetGeneration() {
		t.Fatalf("after a status apply: energy %s, observed %d, generation %d", energy, observed, written.GetGeneration())
	}
	if _, err = client.Patch(ctx, "applied", types.MergePatchType, []byte(`{"spec":{"nonsense":1}}`), metav1.PatchOptions{FieldValidation: "Strict"}); !errors.IsInvalid(err) {
		t.Fatalf("strict validation took an unknown field: %v", err)
	}
}

func TestLeaderElectionHandsOver(t *testing.T) {
	client, err := coordinationv1.NewForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	leaders := make(chan string, 10)
	candidate := func(identity string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: "client-go", Namespace: namespace},
			Client:     client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		}
		go func() {
			defer close(ended)
			leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
				Lock: lock, LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
				ReleaseOnCancel: true,
				Callbacks: leaderelection.LeaderCallbacks{
					OnStartedLeading: func(context.Context) { leaders <- identity },
					OnStoppedLeading: func() {},
				},
			})
		}()
		return func() { cancel(); <-ended }
	}
	next := func() string {
		select {
		case leader := <-leaders:
			return leader
		case <-time.After(10 * time.Second):
			t.Fatal("nobody leads")
			return ""
		}
	}
	stopOne := candidate("one")
	if leader := next(); leader != "one" {
		t.Fatalf("%s leads", leader)
	}
	stopTwo := candidate("two")
	defer stopTwo()
	stopOne()
	if leader := next(); leader != "two" {
		t.Fatalf("%s leads after one gave up", leader)
	}
	lease, err := client.Leases(namespace).Get(t.Context(), "client-go", metav1.GetOptions{})
	if err != nil || *lease.Spec.HolderIdentity != "two" || *lease.Spec.LeaseTransitions < 1 {
		t.Fatalf("the lease says %+v: %v", lease, err)
	}
}
