# Run with: opa test policies/opa
package agentctl.decision_test

import data.agentctl.decision
import data.agentctl.decision_cases

test_each_case_is_decided_as_the_table_says if {
	every each in decision_cases.cases {
		asked := object.union(decision_cases.question, each.asked)
		allow := decision.allow with input as asked
		reason := decision.reason with input as asked
		allow == each.allow
		reason == each.reason
	}
}

test_without_a_question_nothing_is_allowed if {
	allow := decision.allow with input as {}
	allow == false
}
