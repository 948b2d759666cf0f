# What agentctl asks, decided by OPA. Rego v1.
#
# It is asked only where policies/access.yaml has `opa: {enabled: true, …}`, and only about what the
# rules there allow already: it can narrow that, never widen it. Serve it beside the hub with
#
#     opa run --server --addr 127.0.0.1:8181 policies/opa
#
# The hub reads `allow`, which must be true or false, and `reason`, which whoever is refused is
# told. Where `allow` is undefined there is no answer, and what was asked is refused with 503.
#
# input: version, generation, verb, principal, agent, role, target, level, type, kind,
#        capabilities, labels, at (when it was done, in seconds since the epoch)
package agentctl.decision

default allow := false

allow if {
	known
	count(refusals) == 0
}

# A document of another version may lack what the rules below look at.
known if {
	input.version == 1
	is_string(input.verb)
}

# One line a rule: what it says is what the person or the agent is told.

refusals contains "restricted work waits for a person: submit it with label approved-by" if {
	input.verb == "task.submit"
	input.level == "restricted"
	not input.labels["approved-by"]
}

refusals contains "frozen work is given to nobody" if {
	input.verb in {"task.submit", "task.delegate"}
	input.labels.freeze == "true"
}

refusals contains "broadcasts are for what is public or internal" if {
	input.verb == "message.send"
	input.type == "broadcast"
	not input.level in {"public", "internal"}
}

refusals contains "what is restricted is declassified step by step, not to public at once" if {
	input.verb == "declassify"
	input.level == "restricted"
	input.type == "public"
}

default reason := ""

reason := "agentctl's question is of a version that this policy doesn't know" if not known

reason := concat("; ", sort(refusals)) if {
	known
	count(refusals) > 0
}
