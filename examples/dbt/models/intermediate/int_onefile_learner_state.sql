{#- What of a learner the history keeps: no name, and nothing that says who it is but the id. -#}
select
    learners.customer, learners.learner_id, learners.organisation_id, learners.organisation, learners.status,
    learners.in_learning, learners.on_break, learners.is_archived, learners.assessor_id, learners.employer_id,
    learners.started, learners.planned_end, learners.progress,
    {{ onefile.rounded('off_the_job.cached_actual_hours') }} as hours_done
from {{ ref('onefile_learners') }} as learners
left join {{ ref('stg_onefile_off_the_job') }} as off_the_job
    on learners.customer = off_the_job.customer and learners.learner_id = off_the_job.learner_id
