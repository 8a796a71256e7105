select
    caseload.customer,
    caseload.organisation,
    caseload.assessor_id,
    caseload.assessor,
    caseload.role,
    caseload.learners,
    count(case when rag.rag = 'red' then 1 end) as red,
    count(case when rag.rag = 'amber' then 1 end) as amber,
    count(case when rag.rag = 'green' then 1 end) as green,
    count(case when rag.is_past_planned_end then 1 end) as past_planned_end,
    count(case when rag.is_review_overdue then 1 end) as reviews_overdue,
    count(case when rag.ahead < -{{ var('onefile_behind_amber') }} then 1 end) as behind,
    count(case when rag.hours_ahead < 0 then 1 end) as behind_in_hours,
    {{ onefile.rounded('avg(rag.progress)') }} as mean_progress
from {{ ref('onefile_caseload') }} as caseload
left join {{ ref('onefile_learner_rag') }} as rag
    on caseload.customer = rag.customer and caseload.assessor_id = rag.assessor_id
group by
    caseload.customer, caseload.organisation, caseload.assessor_id, caseload.assessor, caseload.role, caseload.learners
