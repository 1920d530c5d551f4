SELECT patient.id, (SELECT value FROM config_generation) AS generation,
  json_build_object(
    'born', patient.birth_date,
    'deceased_on', patient.deceased_on,
    'cognitive_impairment', patient.cognitive_impairment,
    'interpreter_needed', patient.interpreter_needed,
    'channels', to_json(patient.channels || CASE WHEN EXISTS (SELECT FROM patient_identifier WHERE patient_id = ANY (own.ids) AND kind IN ('fnr', 'dnr')) THEN ARRAY['digital_mailbox', 'helsenorge'] ELSE '{}' END),
    'contact_changed_at', patient.contact_changed_at,
    'grounds', (SELECT coalesce(json_agg(json_build_object('basis', basis, 'decision', decision, 'against', against, 'valid_from', valid_from, 'valid_to', valid_to, 'source', source)), '[]') FROM legal_basis WHERE patient_id = ANY (own.ids)),
    'referrals', (SELECT coalesce(json_agg(json_build_object('id', referral.id, 'received_on', received_on, 'category', category, 'triggers_follow_up', (flags ->> 'triggers_follow_up')::boolean) ORDER BY received_on, referral.id), '[]') FROM referral LEFT JOIN code_list ON list = 'treatment_right' AND code = category WHERE patient_id = ANY (own.ids)),
    'episodes', (SELECT coalesce(json_agg(json_build_object('id', id, 'referral_id', referral_id, 'opened_on', opened_on, 'closed_on', closed_on) ORDER BY opened_on, id), '[]') FROM episode WHERE patient_id = ANY (own.ids)),
    'procedures', (SELECT coalesce(json_agg(json_build_object('id', id, 'performed_on', performed_on, 'group', effective_group) ORDER BY performed_on, id), '[]') FROM procedure WHERE patient_id = ANY (own.ids) AND effective_group IS NOT NULL),
    'implants', (SELECT coalesce(json_agg(json_build_object('id', implant_component.id, 'implant_id', implant_id, 'modality', modality, 'implanted_on', implanted_on, 'removed_on', removed_on) ORDER BY implanted_on, implant_component.id), '[]') FROM implant_component JOIN implant ON implant.id = implant_id WHERE implant_component.patient_id = ANY (own.ids) AND component IN ('ipg_rechargeable', 'ipg_primary_cell', 'pump') AND NOT trial),
    'participations', (SELECT coalesce(json_agg(json_build_object('id', id, 'project', project, 'joined_on', joined_on, 'left_on', left_on, 'excludes', excludes_from_follow_up) ORDER BY joined_on, id), '[]') FROM project_participation JOIN project ON project.code = project WHERE patient_id = ANY (own.ids)),
    'answers', (SELECT coalesce(json_agg(json_build_object('id', id, 'form', form, 'submitted_at', submitted_at, 'invitation_id', invitation_id, 'invited_by', invited_by) ORDER BY submitted_at, id), '[]') FROM submission WHERE patient_id = ANY (own.ids) AND wave IN ('follow_up_short', 'follow_up_full', 'project') AND superseded_by IS NULL AND NOT EXISTS (SELECT FROM submission later WHERE later.supersedes = submission.id)),
    'invitations', (SELECT coalesce(json_agg(json_build_object('id', id, 'rule', rule, 'start_id', start_id, 'number', number, 'attempt', attempt, 'reminder', reminder, 'channel', channel, 'form', form, 'state', state, 'lease_until', lease_until, 'sent_at', sent_at, 'delivered_at', delivered_at, 'failed_at', failed_at, 'failure', failure, 'answer_waits', EXISTS (SELECT FROM quarantine WHERE quarantine.invitation_id = invitation.id AND quarantine.state = 'open')) ORDER BY attempt, id), '[]') FROM invitation WHERE patient_id = ANY (own.ids)),
    'declined', (SELECT coalesce(json_agg(json_build_object('rule', rule, 'start_id', start_id, 'number', number) ORDER BY rule, start_id, number), '[]') FROM follow_up_call JOIN decision ON decision.id = decision_id WHERE follow_up_call.patient_id = ANY (own.ids) AND outcome IN ('declined', 'unable'))
  )::text AS facts,
  (SELECT coalesce(json_agg(row_to_json(decision)), '[]')::text FROM decision WHERE patient_id = ANY (own.ids)) AS decisions,
  CASE WHEN cardinality(own.ids) = 1 THEN '{}' ELSE (SELECT coalesce(json_object_agg(id, patient_id), '{}')::text FROM (
    SELECT id, patient_id FROM episode WHERE patient_id = ANY (own.ids) UNION ALL
    SELECT id, patient_id FROM procedure WHERE patient_id = ANY (own.ids) UNION ALL
    SELECT id, patient_id FROM implant_component WHERE patient_id = ANY (own.ids) UNION ALL
    SELECT id, patient_id FROM project_participation WHERE patient_id = ANY (own.ids)) entry) END AS owners
FROM root JOIN patient ON patient.id = root.id
CROSS JOIN LATERAL (SELECT root.id || ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = root.id) AS ids OFFSET 0) own
ORDER BY patient.id
