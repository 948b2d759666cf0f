# What agentctl.rego decides, as a table. `asked` is what differs from the ordinary question below.
package agentctl.decision_cases

question := {
	"version": 1,
	"generation": 7,
	"verb": "task.submit",
	"principal": "operator:ada",
	"agent": "",
	"role": "operator",
	"target": "agent:researcher",
	"level": "confidential",
	"type": "",
	"kind": "",
	"capabilities": ["research"],
	"labels": {},
	"at": 1767225600,
}

cases := {
	"ordinary work": {
		"asked": {},
		"allow": true,
		"reason": "",
	},
	"a question of another version": {
		"asked": {"version": 2},
		"allow": false,
		"reason": "agentctl's question is of a version that this policy doesn't know",
	},
	"restricted work": {
		"asked": {"level": "restricted"},
		"allow": false,
		"reason": "restricted work waits for a person: submit it with label approved-by",
	},
	"restricted work that a person approved": {
		"asked": {"level": "restricted", "labels": {"approved-by": "ada"}},
		"allow": true,
		"reason": "",
	},
	"frozen work": {
		"asked": {"labels": {"freeze": "true"}},
		"allow": false,
		"reason": "frozen work is given to nobody",
	},
	"frozen work that an agent hands on": {
		"asked": {"verb": "task.delegate", "principal": "agent:a", "agent": "a", "labels": {"freeze": "true"}},
		"allow": false,
		"reason": "frozen work is given to nobody",
	},
	"frozen and restricted": {
		"asked": {"level": "restricted", "labels": {"freeze": "true"}},
		"allow": false,
		"reason": "frozen work is given to nobody; restricted work waits for a person: submit it with label approved-by",
	},
	"a confidential broadcast": {
		"asked": {"verb": "message.send", "type": "broadcast"},
		"allow": false,
		"reason": "broadcasts are for what is public or internal",
	},
	"an internal broadcast": {
		"asked": {"verb": "message.send", "type": "broadcast", "level": "internal"},
		"allow": true,
		"reason": "",
	},
	"a confidential request": {
		"asked": {"verb": "message.send", "type": "request"},
		"allow": true,
		"reason": "",
	},
	"restricted work declassified to public": {
		"asked": {"verb": "declassify", "level": "restricted", "type": "public"},
		"allow": false,
		"reason": "what is restricted is declassified step by step, not to public at once",
	},
	"restricted work declassified by a step": {
		"asked": {"verb": "declassify", "level": "restricted", "type": "internal"},
		"allow": true,
		"reason": "",
	},
}
